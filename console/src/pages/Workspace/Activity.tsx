import { Text } from '@mantine/core'
import type { AuditRecordJson } from '../../api/gen/pemba/portal/v1/audit_pb'
import type { ListWorkspaceActivityResponseJson, WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { path, usePaged } from '../../api/portal/lists'
import { personName } from '../../api/portal/words'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { moment } from '../../lib/format'
import { texts } from '../../lib/texts'

const columns: Column<AuditRecordJson>[] = [
  { id: 'time', header: 'Time', width: '180px', cell: (r) => (r.time ? <time dateTime={r.time} title={r.time}>{moment(new Date(r.time))}</time> : '') },
  { id: 'what', header: 'What', width: 'minmax(220px, 3fr)', cell: (r) => <><strong>{personName(r.actor)}</strong> {r.sentence}{r.reason && <Text size="xs" c="dimmed">{r.reason}</Text>}</> },
  { id: 'result', header: 'Result', width: '100px', cell: (r) => r.result },
]

/** Activity is what was done on a workspace and its diagrams, the newest first. */
export function Activity({ of: w }: { of: WorkspaceJson }) {
  const all = usePaged(path('workspaces', w.id ?? '', 'activity'), {}, (a: ListWorkspaceActivityResponseJson) => a.records)
  if (all.isPending) return <Loading />
  if (all.isError) return <Refused error={all.error} what={texts.portal.workspace.tabs.activity} permission="share" retry={all.refetch} />
  if (all.rows.length === 0) return <Empty kind="nothing" title={texts.portal.workspace.activityNone} />
  return (
    <DataTable label={texts.portal.workspace.tabs.activity} columns={columns} rows={all.rows} rowKey={(r) => r.number ?? ''} rowName={(r) => `record ${r.number}`}
      total={all.total} hasMore={all.hasNextPage} loadingMore={all.isFetchingNextPage} onMore={all.more} />
  )
}
