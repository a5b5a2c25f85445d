import type { GroupUseJson } from '../../api/gen/pemba/portal/v1/groups_pb'
import { useGroupUses } from '../../api/portal/groups'
import { roleLabel, serviceName } from '../../api/portal/words'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { texts } from '../../lib/texts'

const t = texts.company.group

const columns: Column<GroupUseJson>[] = [
  { id: 'place', header: t.place, width: 'minmax(180px, 2fr)', cell: (u) => u.resourceName || u.resource },
  { id: 'service', header: texts.company.service, width: 'minmax(120px, 1fr)', cell: (u) => (u.service && u.service !== 'SERVICE_UNSPECIFIED' ? serviceName(u.service) : t.company) },
  { id: 'role', header: texts.company.role, width: '160px', cell: (u) => roleLabel(u.role) },
]

/** Uses is which roles the group gives, and where. */
export function Uses({ id }: { id: string }) {
  const uses = useGroupUses(id)
  if (uses.isPending) return <Loading />
  if (uses.isError) return <Refused error={uses.error} what={t.tabs.uses} permission="manage" retry={uses.refetch} />
  if (!uses.data.uses?.length) return <Empty kind="nothing" title={t.noUses}>{t.noUsesHint}</Empty>
  return <DataTable label={t.tabs.uses} columns={columns} rows={uses.data.uses} rowKey={(u) => `${u.resource}#${u.role}`} rowName={(u) => u.resourceName ?? ''} />
}
