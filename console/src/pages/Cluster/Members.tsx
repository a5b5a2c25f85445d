import { Badge, Table, Text } from '@mantine/core'
import type { MemberJson, StatusResponseJson } from '../../api/gen/pemba/v1/cluster_pb'
import { bytes, count, seconds, span } from '../../lib/format'
import { texts } from '../../lib/texts'

const t = texts.operations.cluster

function state(m: MemberJson): string {
  if (!m.reachable) return t.states.unreachable
  if (m.stopped) return t.states.stopped
  if (m.draining) return t.states.draining
  return m.healthy ? t.states.healthy : t.states.unhealthy
}

export function Members({ status }: { status: StatusResponseJson }) {
  return (
    <Table.ScrollContainer minWidth={900} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': t.members } }}>
      <Table verticalSpacing="sm">
        <Table.Caption>{t.caption}</Table.Caption>
        <Table.Thead>
          <Table.Tr>{t.columns.map((c) => <Table.Th key={c} scope="col">{c}</Table.Th>)}</Table.Tr>
        </Table.Thead>
        <Table.Tbody>{(status.members ?? []).map((m) => <Member key={m.id} m={m} />)}</Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function Member({ m }: { m: MemberJson }) {
  const contact = seconds(m.lastContact)
  const nothing = <Text span size="sm" c="dimmed">{t.noData}</Text>
  const known = m.reachable
  return (
    <Table.Tr>
      <Table.Th scope="row">{m.name || m.id}<Text size="xs" c="dimmed">{m.address}</Text></Table.Th>
      <Table.Td><Badge variant={m.leader ? 'filled' : 'default'}>{m.leader ? t.roles.leader : m.voter ? t.roles.voter : t.roles.replica}</Badge></Table.Td>
      <Table.Td>
        <Badge variant="light" color={m.healthy ? 'green' : 'red'}>{state(m)}</Badge>
        {m.reason && <Text size="xs">{m.reason}</Text>}
      </Table.Td>
      <Table.Td>{known ? count(m.applied ?? 0) : nothing}</Table.Td>
      <Table.Td>{known ? count(m.lag ?? 0) : nothing}</Table.Td>
      <Table.Td>{contact === undefined ? nothing : t.before(span(contact))}</Table.Td>
      <Table.Td>{known && Number(m.totalBytes) > 0 ? t.free(bytes(m.freeBytes ?? 0), bytes(m.totalBytes ?? 0)) : nothing}</Table.Td>
      <Table.Td>{m.build || nothing}</Table.Td>
    </Table.Tr>
  )
}
