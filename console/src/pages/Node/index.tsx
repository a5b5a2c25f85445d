import { Alert, Stack, Title } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { absent, useNode } from '../../api/node'
import type { DescribeNodeResponseJson } from '../../api/gen/pemba/console/v1/node_pb'
import { Empty } from '../../components/Empty'
import { Facts } from '../../components/Facts'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Page } from '../../components/Page'
import { isApiError } from '../../api/errors'
import { texts } from '../../lib/texts'
import { Levels } from './Levels'
import { Log } from './Log'
import { Profiles } from './Profiles'
import { cacheFacts, databaseFacts, raftFacts, runtimeFacts } from './facts'

const route = getRouteApi('/shell/ops/nodes/$id')
const t = texts.operations.node

/** Node shows the facts of one node, which only it can tell. */
export function Node() {
  const { id } = route.useParams()
  const node = useNode(id)
  return (
    <Page title={t.title(node.data?.name || id)}>
      {node.isPending && <Loading />}
      {node.isError && !node.data && (
        absent(node.error) || isApiError(node.error, 'FAILED_PRECONDITION')
          ? <Empty kind="nothing" title={t.elsewhere}>{node.error.message}</Empty>
          : <Refused error={node.error} what={t.reading} permission={texts.operations.permission} retry={node.refetch} />
      )}
      {node.data && <Described node={node.data} id={id} />}
    </Page>
  )
}

function Described({ node, id }: { node: DescribeNodeResponseJson; id: string }) {
  return (
    <Stack gap="lg">
      {node.database?.stalled && <Alert color="yellow" role="status" title={t.stalled} />}
      <Section title={t.sections.raft}><Facts facts={raftFacts(node.raft)} /></Section>
      <Section title={t.sections.database}><Facts facts={databaseFacts(node.database)} /><Levels levels={node.database?.levels ?? []} /></Section>
      <Section title={t.sections.runtime}><Facts facts={runtimeFacts(node.runtime)} /></Section>
      <Section title={t.sections.cache}><Facts facts={cacheFacts(node.cache)} /></Section>
      <Section title={t.sections.log}><Log node={id} /></Section>
      <Profiles node={id} />
    </Stack>
  )
}

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return <section aria-label={title}><Title order={2} size="h4" mb="xs">{title}</Title>{children}</section>
}
