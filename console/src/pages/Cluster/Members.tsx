import { ActionIcon, Badge, Menu, Table, Text } from '@mantine/core'
import type { MemberJson, StatusResponseJson } from '../../api/gen/pemba/v1/cluster_pb'
import { Icon } from '../../components/Icon'
import { TextLink } from '../../components/links'
import { ScrollBox } from '../../components/ScrollBox'
import { bytes, count, seconds, span } from '../../lib/format'
import { texts } from '../../lib/texts'
import type { Action } from './Act'
import { nameOf, whyNotRemove } from './health'

const t = texts.operations.cluster

function state(m: MemberJson): string {
  if (!m.reachable) return t.states.unreachable
  if (m.stopped) return t.states.stopped
  if (m.draining) return t.states.draining
  return m.healthy ? t.states.healthy : t.states.unhealthy
}

type Props = { status: StatusResponseJson; mayAct: boolean; onAct: (a: Action) => void }

export function Members({ status, mayAct, onAct }: Props) {
  return (
    <ScrollBox label={t.members}>
      <Table verticalSpacing="sm" miw={1040}>
        <Table.Thead>
          <Table.Tr>{t.columns.slice(0, mayAct ? undefined : -1).map((c) => <Table.Th key={c} scope="col">{c}</Table.Th>)}</Table.Tr>
        </Table.Thead>
        <Table.Tbody>{(status.members ?? []).map((m) => <Member key={m.id} m={m} status={status} mayAct={mayAct} onAct={onAct} />)}</Table.Tbody>
      </Table>
    </ScrollBox>
  )
}

function Member({ m, status, mayAct, onAct }: Props & { m: MemberJson }) {
  const contact = seconds(m.lastContact)
  const skew = seconds(m.clockSkew)
  const nothing = <Text span size="sm" c="dimmed">{t.noData}</Text>
  const known = m.reachable
  return (
    <Table.Tr>
      <Table.Th scope="row"><TextLink to="/ops/nodes/$id" params={{ id: m.id ?? '' }} fw={600}>{nameOf(m)}</TextLink>{m.name && <Text size="xs" c="dimmed">{m.id}</Text>}<Text size="xs" c="dimmed">{m.address}</Text></Table.Th>
      <Table.Td><Badge variant={m.leader ? 'filled' : 'default'}>{m.leader ? t.roles.leader : m.voter ? t.roles.voter : t.roles.replica}</Badge></Table.Td>
      <Table.Td>
        <Badge variant="light" color={m.healthy ? 'green' : 'red'}>{state(m)}</Badge>
        {m.reason && <Text size="xs">{m.reason}</Text>}
      </Table.Td>
      <Table.Td>{known && m.term ? count(m.term) : nothing}</Table.Td>
      <Table.Td>{known ? count(m.applied ?? 0) : nothing}</Table.Td>
      <Table.Td>{known ? count(m.lag ?? 0) : nothing}</Table.Td>
      <Table.Td>{contact === undefined ? nothing : contact === 0 ? t.now : t.before(span(contact))}</Table.Td>
      <Table.Td>{known && Number(m.totalBytes) > 0 ? t.free(bytes(m.freeBytes ?? 0), bytes(m.totalBytes ?? 0)) : nothing}</Table.Td>
      <Table.Td>{!known || skew === undefined ? nothing : Math.abs(skew) < 0.001 ? t.together : skew < 0 ? t.behind(span(-skew)) : t.ahead(span(skew))}</Table.Td>
      <Table.Td>{m.build || nothing}</Table.Td>
      {mayAct && <Table.Td><Actions m={m} status={status} onAct={onAct} /></Table.Td>}
    </Table.Tr>
  )
}

function Actions({ m, status, onAct }: { m: MemberJson; status: StatusResponseJson; onAct: (a: Action) => void }) {
  const blocked = whyNotRemove(status, m)
  const noTransfer = m.leader ? t.isLeader : !m.voter ? t.onlyVoters : !m.reachable ? t.unreachable : ''
  const item = (kind: Action['kind'], label: string, reason = '') => (
    <Menu.Item disabled={!!reason} onClick={() => onAct({ kind, member: m })}>{label}{reason && <Text size="xs">{reason}</Text>}</Menu.Item>
  )
  return (
    <Menu position="bottom-end" withInitialFocusPlaceholder={false}>
      <Menu.Target><ActionIcon variant="subtle" color="gray" size={30} aria-label={texts.common.actionsFor(nameOf(m))}><Icon name="more" /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        {item('transfer', t.transfer, noTransfer)}
        {m.voter ? item('demote', t.demote, blocked) : item('promote', t.promote)}
        <Menu.Divider />
        <Menu.Item c="var(--mantine-color-error)" onClick={() => onAct({ kind: 'remove', member: m, blocked })}>{t.remove}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
