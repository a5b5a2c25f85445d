import type { GroupJson, ListGroupsResponseJson } from '../../api/gen/pemba/portal/v1/groups_pb'
import type { UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { post } from '../../api/client'
import { path, useChange, usePaged } from '../../api/portal/lists'
import { userName } from '../../api/portal/people'
import { can } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failure, Refused } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { texts } from '../../lib/texts'

const t = texts.company

const columns: Column<GroupJson>[] = [
  { id: 'name', header: t.name, width: 'minmax(160px, 2fr)', cell: (g) => <TextLink to="/groups/$id" params={{ id: g.id ?? '' }} fw={600} size="sm">{g.name}</TextLink> },
  { id: 'about', header: texts.portal.description, width: 'minmax(160px, 3fr)', cell: (g) => g.description },
]

/** GroupsTab is the groups that a person is a direct member of. */
export function GroupsTab({ of: u }: { of: UserJson }) {
  const groups = usePaged(path('groups'), { userId: u.id }, (a: ListGroupsResponseJson) => a.groups)
  const leave = useChange((g: GroupJson) => post(path('groups', g.id ?? '', 'members'), { remove: [{ user: u.id }] }))
  if (groups.isPending) return <Loading />
  if (groups.isError) return <Refused error={groups.error} what={t.person.tabs.groups} permission="list_users" retry={groups.refetch} />
  if (groups.rows.length === 0) return <Empty kind="nothing" title={t.person.noGroups}>{t.person.noGroupsHint}</Empty>
  const remove = (g: GroupJson) => leave.mutate(g, { onSuccess: () => saved(t.group.removed(userName(u), g.name ?? '')) })
  return (
    <>
      {leave.isError && <Failure error={leave.error} what={t.group.leave} />}
      <DataTable label={t.person.tabs.groups} columns={columns} rows={groups.rows} rowKey={(g) => g.id ?? ''} rowName={(g) => g.name ?? ''}
        total={groups.total} hasMore={groups.hasNextPage} loadingMore={groups.isFetchingNextPage} onMore={groups.more}
        actions={(g) => (can(g.allowed, 'manage') ? [{ label: t.group.leave, danger: true, onClick: () => remove(g) }] : [])} />
    </>
  )
}
