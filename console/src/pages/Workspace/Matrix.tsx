import { useState } from 'react'
import { Stack, Text } from '@mantine/core'
import { atLeast, useMe } from '../../api/me'
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import type { DiagramJson, GetPermissionMatrixResponseJson, MatrixRowJson } from '../../api/gen/pemba/portal/v1/diagrams_pb'
import type { WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { path, usePaged } from '../../api/portal/lists'
import { searchCandidates } from '../../api/portal/workspaces'
import { DataTable, type Column } from '../../components/DataTable'
import { Dialog } from '../../components/Dialog'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { MemberPicker } from '../../components/portal/MemberPicker'
import { SearchField } from '../../components/SearchField'
import { texts } from '../../lib/texts'

const t = texts.portal.diagram

type Props = { workspace: WorkspaceJson; diagram?: DiagramJson | undefined }

/** Matrix says in words what a person may do on each diagram of a model, or on one diagram each person with a role. */
export function Matrix({ opened, onClose, ...of }: Props & { opened: boolean; onClose: () => void }) {
  const title = of.diagram ? `${t.matrix}: ${of.diagram.name ?? ''}` : t.matrix
  return <Dialog opened={opened} onClose={onClose} title={title} size={1100}>{opened && <Body {...of} />}</Dialog>
}

function Body({ workspace: w, diagram }: Props) {
  const [person, setPerson] = useState<MemberJson[]>([])
  const user = person[0]?.user ?? ''
  const people = async (search: string, signal: AbortSignal) => ((await searchCandidates(w.id ?? '', search, signal)).members ?? []).filter((m) => m.user)
  return (
    <Stack>
      <Text size="sm">{diagram ? t.matrixPeople : t.matrixAbout}</Text>
      {!diagram && <MemberPicker label={t.person} value={person} onChange={(m) => setPerson(m.slice(-1))} of={`matrix ${w.id}`} search={people} first />}
      {(diagram ?? user) && <Rights key={user} workspace={w.id ?? ''} user={user} diagram={diagram?.id ?? ''} />}
    </Stack>
  )
}

function Rights({ workspace, user, diagram }: { workspace: string; user: string; diagram: string }) {
  const explains = atLeast(useMe().workbench, 'read')
  const [search, setSearch] = useState('')
  const all = usePaged(path('workspaces', workspace, 'matrix'), { userId: user, diagramId: diagram, search, 'paging.size': 50 }, (a: GetPermissionMatrixResponseJson) => a.rows)
  const permissions = all.first?.permissions ?? []
  const columns: Column<MatrixRowJson>[] = [
    { id: 'name', header: t.name, width: '180px', sticky: true, cell: (r) => <Text size="sm" fw={600}>{r.name}</Text> },
    ...permissions.map((p, i) => ({
      id: p, header: p.replaceAll('_', ' '), width: 'minmax(76px, 1fr)',
      cell: (r: MatrixRowJson) => {
        const word = r.holds?.[i] ? t.yes : t.no
        if (!explains) return word
        const asked = { resource: `diagram:${diagram || r.id}`, permission: p, subject: `user:${user || r.id}` }
        return <TextLink to="/workbench/check" search={asked} size="sm" aria-label={`${r.name ?? ''}, ${p.replaceAll('_', ' ')}: ${word}`}>{word}</TextLink>
      },
    })),
  ]
  return (
    <Stack gap="xs">
      <SearchField label={texts.common.search} value={search} onChange={setSearch} />
      {all.isPending && <Loading />}
      {all.isError && <Refused error={all.error} what={t.matrix} permission="share" retry={all.refetch} />}
      {all.isSuccess && all.rows.length === 0 && <Empty kind={search ? 'noMatch' : 'nothing'} title={search ? texts.portal.workspace.noMatch : t.matrixNone} />}
      {all.rows.length > 0 && (
        <DataTable label={t.matrix} columns={columns} rows={all.rows} rowKey={(r) => r.id ?? ''} rowName={(r) => r.name ?? ''}
          total={all.total} hasMore={all.hasNextPage} loadingMore={all.isFetchingNextPage} onMore={all.more} />
      )}
    </Stack>
  )
}
