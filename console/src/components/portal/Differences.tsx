import { Table } from '@mantine/core'
import { texts } from '../../lib/texts'

const t = texts.company

/** Differences shows what is stored beside what one entered, where the two are not the same. */
export function Differences({ of }: { of: readonly { label: string; stored: string; mine: string }[] }) {
  const nothing = t.form.none
  return (
    <Table mt="xs" fz="sm">
      <Table.Thead><Table.Tr><Table.Th scope="col">{t.form.field}</Table.Th><Table.Th scope="col">{t.form.sides}</Table.Th><Table.Th scope="col">{t.form.mine}</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {of.filter((d) => d.stored !== d.mine).map((d) => (
          <Table.Tr key={d.label}><Table.Th scope="row">{d.label}</Table.Th><Table.Td className="app-wrap">{d.stored || nothing}</Table.Td><Table.Td className="app-wrap">{d.mine || nothing}</Table.Td></Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
