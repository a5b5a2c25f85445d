import { Table } from '@mantine/core'
import type { LevelJson } from '../../api/gen/pemba/console/v1/node_pb'
import { ScrollBox } from '../../components/ScrollBox'
import { bytes, count } from '../../lib/format'
import { texts } from '../../lib/texts'

const t = texts.operations.node

/** Levels of the database's tables, the newest first. */
export function Levels({ levels }: { levels: LevelJson[] }) {
  const used = levels.map((l, i) => ({ ...l, i })).filter((l) => (l.tables ?? 0) > 0)
  if (used.length === 0) return null
  return (
    <ScrollBox label={t.levels}>
      <Table mt="sm" verticalSpacing={4}>
        <Table.Thead><Table.Tr>{t.levelColumns.map((c) => <Table.Th key={c} scope="col">{c}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>
          {used.map((l) => (
            <Table.Tr key={l.i}>
              <Table.Th scope="row">{l.i}</Table.Th>
              <Table.Td>{count(l.tables ?? 0)}</Table.Td>
              <Table.Td>{bytes(l.bytes ?? 0)}</Table.Td>
              <Table.Td>{bytes(l.staleBytes ?? 0)}</Table.Td>
              <Table.Td>{t.due(Number(l.score ?? 0).toFixed(2))}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollBox>
  )
}
