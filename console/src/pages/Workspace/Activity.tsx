import type { ListWorkspaceActivityResponseJson, WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { path, usePaged } from '../../api/portal/lists'
import { DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { recordColumns } from '../../components/portal/recordColumns'
import { texts } from '../../lib/texts'

const columns = recordColumns.filter((c) => c.id !== 'from')

/** Activity is what was done on a workspace and its diagrams, the newest first. */
export function Activity({ of: w }: { of: WorkspaceJson }) {
  const all = usePaged(path('workspaces', w.id ?? '', 'activity'), {}, (a: ListWorkspaceActivityResponseJson) => a.records)
  if (all.isPending) return <Loading />
  if (all.isError) return <Refused error={all.error} what={texts.portal.workspace.tabs.activity} permission="share" retry={all.refetch} />
  if (all.rows.length === 0) return <Empty kind="nothing" title={texts.portal.workspace.activityNone} />
  return (
    <DataTable label={texts.portal.workspace.tabs.activity} columns={columns} rows={all.rows} rowKey={(r) => r.number ?? ''} rowName={(r) => r.sentence ?? ''}
      total={all.total} hasMore={all.hasNextPage} loadingMore={all.isFetchingNextPage} onMore={all.more} />
  )
}
