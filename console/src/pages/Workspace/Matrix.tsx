import { useState } from 'react'
import { Select, Stack, Table, Text } from '@mantine/core'
import type { GetPermissionMatrixResponseJson } from '../../api/gen/pemba/portal/v1/diagrams_pb'
import type { WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { path, usePaged } from '../../api/portal/lists'
import { memberName } from '../../api/portal/words'
import { useAccess } from '../../api/portal/workspaces'
import { Dialog } from '../../components/Dialog'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { texts } from '../../lib/texts'

const t = texts.portal.diagram

/** Matrix says what a person may do on each diagram of a model, in words. */
export function Matrix({ workspace, opened, onClose }: { workspace: WorkspaceJson; opened: boolean; onClose: () => void }) {
  return <Dialog opened={opened} onClose={onClose} title={t.matrix} size="xl">{opened && <Body workspace={workspace} />}</Dialog>
}

function Body({ workspace: w }: { workspace: WorkspaceJson }) {
  const access = useAccess(w.id ?? '')
  const [user, setUser] = useState<string | null>(null)
  const people = [...(access.data?.entries ?? []), ...(access.data?.inherited ?? [])].flatMap((e) => (e.member?.user ? [e.member] : []))
  const options = [...new Map(people.map((m) => [m.user ?? '', memberName(m)]))].map(([value, label]) => ({ value, label }))
  const matrix = usePaged(path('workspaces', w.id ?? '', 'matrix'), { userId: user ?? '' }, (a: GetPermissionMatrixResponseJson) => a.rows, user !== null)
  const permissions = matrix.first?.permissions ?? []
  return (
    <Stack>
      <Text size="sm">{t.matrixAbout}</Text>
      <Select label={t.person} searchable value={user} onChange={setUser} data={options} data-autofocus />
      {user && matrix.isPending && <Loading />}
      {matrix.isError && <Refused error={matrix.error} what={t.matrix} permission="share" retry={matrix.refetch} />}
      {matrix.rows.length > 0 && (
        <Table.ScrollContainer minWidth={640}>
          <Table stickyHeader>
            <Table.Thead><Table.Tr><Table.Th>{t.name}</Table.Th>{permissions.map((p) => <Table.Th key={p}>{p.replaceAll('_', ' ')}</Table.Th>)}</Table.Tr></Table.Thead>
            <Table.Tbody>
              {matrix.rows.map((r) => (
                <Table.Tr key={r.id}><Table.Th scope="row">{r.name}</Table.Th>{(r.holds ?? []).map((h, i) => <Table.Td key={permissions[i]}>{h ? t.yes : t.no}</Table.Td>)}</Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Stack>
  )
}
