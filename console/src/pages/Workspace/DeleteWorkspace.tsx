import { del } from '../../api/client'
import type { WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { path, useChange } from '../../api/portal/lists'
import { useDeletion } from '../../api/portal/workspaces'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { Failure } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Effects } from '../../components/portal/Effects'
import { texts } from '../../lib/texts'

const t = texts.portal.workspace

/** DeleteWorkspace shows what goes with a workspace, and wants its name typed. */
export function DeleteWorkspace({ workspace, onClose, onDeleted }: { workspace: WorkspaceJson | undefined; onClose: () => void; onDeleted?: () => void }) {
  const id = workspace?.id ?? ''
  const name = workspace?.name ?? ''
  const preview = useDeletion(id, !!workspace)
  const remove = useChange(() => del(path('workspaces', id)), id)
  return (
    <Confirm opened={!!workspace} onClose={onClose} title={t.deleteTitle(name)} action={t.delete} typeName={name}
      onConfirm={async () => { await remove.mutateAsync(); saved(t.deleted(name)); onDeleted?.() }}
      {...(preview.data?.allowed ? {} : { blocked: preview.isPending ? texts.common.loading : texts.portal.blocked })}>
      {preview.isPending && <Loading rows={2} height={20} />}
      {preview.isError && <Failure error={preview.error} what={texts.portal.effects} retry={preview.refetch} />}
      {preview.data && <Effects effects={preview.data.effects} allowed={preview.data.allowed} />}
    </Confirm>
  )
}
