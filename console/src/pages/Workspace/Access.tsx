import { Stack } from '@mantine/core'
import type { AccessEntryJson, WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { memberKey, memberName, roleLabel } from '../../api/portal/words'
import { useAccess } from '../../api/portal/workspaces'
import { DataTable, type Column } from '../../components/DataTable'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Who } from '../../components/portal/Who'
import { texts } from '../../lib/texts'
import { Inherited } from './Present'

const columns: Column<AccessEntryJson>[] = [
  { id: 'who', header: texts.portal.name, width: 'minmax(180px, 2fr)', cell: (e) => <Who member={e.member} strong /> },
  { id: 'role', header: texts.portal.role, width: '160px', cell: (e) => roleLabel(e.role) },
]

/** Access is who has a role on a workspace, and who else can read it. Share changes it. */
export function Access({ of: w }: { of: WorkspaceJson }) {
  const access = useAccess(w.id ?? '')
  if (access.isPending) return <Loading />
  if (access.isError) return <Refused error={access.error} what={texts.portal.share.present} permission="read" retry={access.refetch} />
  return (
    <Stack>
      <DataTable label={texts.portal.share.present} columns={columns} rows={access.data.entries ?? []} rowKey={(e) => memberKey(e.member)} rowName={(e) => memberName(e.member)} />
      <Inherited entries={access.data.inherited ?? []} />
    </Stack>
  )
}
