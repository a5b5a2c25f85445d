import { useState } from 'react'
import { Group } from '@mantine/core'
import type { ListGroupsResponseJson } from '../../api/gen/pemba/portal/v1/groups_pb'
import type { SubscriptionJson } from '../../api/gen/pemba/portal/v1/subscriptions_pb'
import { path, usePaged } from '../../api/portal/lists'
import { can } from '../../api/portal/words'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { WriteButton } from '../../components/WriteButton'
import { count } from '../../lib/format'
import { texts } from '../../lib/texts'
import { GroupForm } from '../Groups/GroupForm'

const t = texts.portal
type Row = NonNullable<ListGroupsResponseJson['groups']>[number]

const columns: Column<Row>[] = [
  { id: 'name', header: t.name, width: 'minmax(160px, 2fr)', cell: (g) => <TextLink to="/groups/$id" params={{ id: g.id ?? '' }} fw={600} size="sm">{g.name}</TextLink> },
  { id: 'members', header: texts.company.group.direct, width: '140px', cell: (g) => count(g.members ?? 0) },
  { id: 'about', header: t.description, width: 'minmax(160px, 3fr)', cell: (g) => g.description },
]

/** Groups are those of one subscription, which its owners manage. */
export function Groups({ of: s }: { of: SubscriptionJson }) {
  const [creating, setCreating] = useState(false)
  const groups = usePaged(path('groups'), { subscriptionId: s.id ?? '' }, (a: ListGroupsResponseJson) => a.groups)
  if (groups.isPending) return <Loading />
  if (groups.isError) return <Refused error={groups.error} what={t.service.tabs.groups} permission="manage_groups" retry={groups.refetch} />
  const create = can(s.allowed, 'manage_groups') && <WriteButton onClick={() => setCreating(true)}>{texts.company.group.create}</WriteButton>
  return (
    <>
      {groups.rows.length === 0
        ? <Empty kind="nothing" title={t.service.noGroups} action={create}>{t.service.noGroupsHint}</Empty>
        : <><Group justify="flex-end" mb="sm">{create}</Group><Table groups={groups} /></>}
      <GroupForm opened={creating} place={s.id ?? ''} onClose={() => setCreating(false)} />
    </>
  )
}

function Table({ groups }: { groups: ReturnType<typeof usePaged<ListGroupsResponseJson, Row>> }) {
  return (
    <DataTable label={t.service.tabs.groups} columns={columns} rows={groups.rows} rowKey={(g) => g.id ?? ''} rowName={(g) => g.name ?? ''}
      total={groups.total} hasMore={groups.hasNextPage} loadingMore={groups.isFetchingNextPage} onMore={groups.more} />
  )
}
