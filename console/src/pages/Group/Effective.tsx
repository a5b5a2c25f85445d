import type { EffectiveMemberJson, ListEffectiveMembersResponseJson } from '../../api/gen/pemba/portal/v1/groups_pb'
import { path, usePaged } from '../../api/portal/lists'
import { personName } from '../../api/portal/words'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { Why } from '../../components/portal/Why'
import { texts } from '../../lib/texts'

const t = texts.company.group

const columns: Column<EffectiveMemberJson>[] = [
  { id: 'name', header: texts.company.name, width: 'minmax(150px, 1fr)', cell: (m) => <TextLink to="/people/$id" params={{ id: m.person?.id ?? '' }} fw={600} size="sm">{personName(m.person)}</TextLink> },
  { id: 'email', header: texts.company.fields.email, width: 'minmax(170px, 1fr)', cell: (m) => m.person?.email },
  { id: 'why', header: t.way, width: 'minmax(220px, 2fr)', cell: (m) => <Why steps={m.why} /> },
]

/** Effective is everyone who is in the group, by whatever way. */
export function Effective({ id }: { id: string }) {
  const all = usePaged(path('groups', id, 'effective'), {}, (a: ListEffectiveMembersResponseJson) => a.members)
  if (all.isPending) return <Loading />
  if (all.isError) return <Refused error={all.error} what={t.tabs.effective} permission="manage" retry={all.refetch} />
  if (all.rows.length === 0) return <Empty kind="nothing" title={t.noEffective} />
  return (
    <DataTable label={t.tabs.effective} columns={columns} rows={all.rows} rowKey={(m) => m.person?.id ?? ''} rowName={(m) => personName(m.person)}
      total={all.total} hasMore={all.hasNextPage} loadingMore={all.isFetchingNextPage} onMore={all.more} />
  )
}
