import { useQueries } from '@tanstack/react-query'
import { SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { get } from '../../api/client'
import type { ListDiagramsResponseJson } from '../../api/gen/pemba/portal/v1/diagrams_pb'
import type { GetWorkspaceResponseJson, ListWorkspacesResponseJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { useMe } from '../../api/me'
import { path, usePaged } from '../../api/portal/lists'
import { roleLabel, serviceName } from '../../api/portal/words'
import { Failure } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { byOpening, opened } from '../../lib/opened'
import { texts } from '../../lib/texts'

const t = texts.portal.home
const most = 12

/** useMyWorkspaces reads those with a role of one's own, the last opened first. The list has the last changed; what was opened and is not among them is asked for by itself. */
function useMyWorkspaces() {
  const list = usePaged(path('workspaces'), {}, (a: ListWorkspacesResponseJson) => a.workspaces)
  const last = opened(useMe().person?.id ?? '').slice(0, most)
  const missing = list.hasNextPage ? last.filter((id) => !list.rows.some((w) => w.id === id)) : []
  const asked = useQueries({
    queries: missing.map((id) => ({ queryKey: ['portal', 'workspace', id], retry: false, queryFn: ({ signal }: { signal: AbortSignal }) => get<GetWorkspaceResponseJson>(path('workspaces', id), { signal }) })),
  })
  const more = asked.flatMap((q) => (q.data?.workspace?.role ? [q.data.workspace] : []))
  return { ...list, rows: byOpening([...more, ...list.rows], last).slice(0, most) }
}

/** Mine is what one works on: workspaces with a role, and processes that name one. */
export function Mine() {
  const workspaces = useMyWorkspaces()
  const processes = usePaged(path('my-processes'), {}, (a: ListDiagramsResponseJson) => a.diagrams)
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
      <section aria-labelledby="home-mine">
        <Title order={2} size="h4" id="home-mine">{t.mine}</Title>
        <Text size="xs" c="dimmed" mb="sm">{t.mineOrder}</Text>
        {workspaces.isError && <Failure error={workspaces.error} what={t.mine} retry={workspaces.refetch} />}
        {workspaces.isSuccess && workspaces.rows.length === 0 && <Text c="dimmed">{t.noMine}</Text>}
        <Stack gap={6}>
          {workspaces.rows.map((w) => (
            <div key={w.id}>
              <TextLink to="/services/$sid/workspaces/$wid" params={{ sid: w.subscriptionId ?? '', wid: w.id ?? '' }}>{w.name}</TextLink>
              <Text size="xs" c="dimmed">{serviceName(w.service)}, {roleLabel(w.role).toLowerCase()}</Text>
            </div>
          ))}
        </Stack>
      </section>
      <section aria-labelledby="home-processes">
        <Title order={2} size="h4" mb="sm" id="home-processes">{t.processes}</Title>
        {processes.isError && <Failure error={processes.error} what={t.processes} retry={processes.refetch} />}
        {processes.isSuccess && processes.rows.length === 0 && <Text c="dimmed">{t.noProcesses}</Text>}
        <Stack gap={6}>
          {processes.rows.slice(0, most).map((d) => (
            <div key={d.id}>
              <Text>{d.name}</Text>
              <Text size="xs" c="dimmed">{d.workspaceName}</Text>
            </div>
          ))}
        </Stack>
      </section>
    </SimpleGrid>
  )
}
