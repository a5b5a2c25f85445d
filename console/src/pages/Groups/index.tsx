import { useState } from 'react'
import { Button, Stack } from '@mantine/core'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { isRefused } from '../../api/errors'
import type { GroupJson, ListGroupsResponseJson } from '../../api/gen/pemba/portal/v1/groups_pb'
import { path, usePaged } from '../../api/portal/lists'
import { useSubscriptions } from '../../api/portal/subscriptions'
import { can, serviceName } from '../../api/portal/words'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { Page } from '../../components/Page'
import { SearchField } from '../../components/SearchField'
import { WriteButton } from '../../components/WriteButton'
import { count } from '../../lib/format'
import { texts } from '../../lib/texts'
import { GroupForm } from './GroupForm'
import { DeleteGroup } from './DeleteGroup'

const t = texts.company.group
const route = getRouteApi('/shell/groups')

type Open = { what: 'create' } | { what: 'edit' | 'delete'; group: GroupJson }

/** Groups is every group that one may see: of the company, and of subscriptions. */
export function Groups() {
  const go = useNavigate()
  const { search } = route.useSearch()
  const set = (to: string) => void go({ to: '/groups', search: to ? { search: to } : {}, replace: true })
  const [open, setOpen] = useState<Open>()
  const groups = usePaged(path('groups'), { search }, (a: ListGroupsResponseJson) => a.groups)
  const subscriptions = useSubscriptions()
  const belongs = (g: GroupJson) => (g.subscriptionId ? serviceName(subscriptions.data?.subscriptions?.find((s) => s.id === g.subscriptionId)?.service) : t.company)
  const columns: Column<GroupJson>[] = [
    { id: 'name', header: texts.company.name, width: 'minmax(160px, 2fr)', cell: (g) => <TextLink to="/groups/$id" params={{ id: g.id ?? '' }} fw={600} size="sm">{g.name}</TextLink> },
    { id: 'of', header: t.belongs, width: '180px', cell: belongs },
    { id: 'members', header: t.direct, width: '140px', cell: (g) => count(g.members ?? 0) },
    { id: 'about', header: texts.portal.description, width: 'minmax(160px, 3fr)', cell: (g) => g.description },
  ]
  const close = () => setOpen(undefined)
  const show = (g: GroupJson) => void go({ to: '/groups/$id', params: { id: g.id ?? '' } })
  const actions = (g: GroupJson) => [
    { label: texts.company.people.open, onClick: () => show(g) },
    ...(can(g.allowed, 'manage') ? [{ label: t.edit, onClick: () => setOpen({ what: 'edit', group: g }) }] : []),
    ...(can(g.allowed, 'delete') ? [{ label: t.delete, danger: true, onClick: () => setOpen({ what: 'delete', group: g }), ...(Number(g.members ?? 0) > 0 ? { reason: t.notEmpty } : {}) }] : []),
  ]
  return (
    <Page title={texts.company.pages.groups} about={t.about} actions={can(groups.first?.allowed, 'create') && <WriteButton onClick={() => setOpen({ what: 'create' })}>{t.create}</WriteButton>}>
      <Stack gap="sm">
        {!isRefused(groups.error) && <SearchField label={t.search} value={search} onChange={set} w={320} />}
        {groups.isPending && <Loading />}
        {groups.isError && <Refused error={groups.error} what={t.reading} permission="manage_groups" retry={groups.refetch} />}
        {groups.isSuccess && groups.rows.length === 0 && (search
          ? <Empty kind="noMatch" title={texts.company.nobody} action={<Button variant="default" onClick={() => set('')}>{texts.common.clear}</Button>} />
          : <Empty kind="nothing" title={t.none}>{t.noneHint}</Empty>)}
        {groups.rows.length > 0 && (
          <DataTable label={texts.company.pages.groups} columns={columns} rows={groups.rows} rowKey={(g) => g.id ?? ''} rowName={(g) => g.name ?? ''}
            total={groups.total} hasMore={groups.hasNextPage} loadingMore={groups.isFetchingNextPage} onMore={groups.more} onOpen={show} actions={actions} />
        )}
      </Stack>
      <GroupForm opened={open?.what === 'create' || open?.what === 'edit'} {...(open?.what === 'edit' ? { group: open.group } : {})} onClose={close} />
      <DeleteGroup group={open?.what === 'delete' ? open.group : undefined} onClose={close} />
    </Page>
  )
}
