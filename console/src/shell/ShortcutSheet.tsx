import { Kbd, Switch, Table } from '@mantine/core'
import { Dialog } from '../components/Dialog'
import { prefer, usePreferences } from '../lib/preferences'
import { texts } from '../lib/texts'
import type { NavGroup } from './nav'

const t = texts.common.keys

const keys: [string[], string][] = [
  [['Ctrl', 'K'], t.palette], [['?'], t.sheet], [['/'], t.search], [['j', 'k'], t.move], [['Enter'], t.open],
  [['x'], t.select], [['.'], t.menu], [['Esc'], t.close], [['Ctrl', 'Enter'], t.send],
]

/** ShortcutSheet lists the keys, and turns off those that are a single key. */
export default function ShortcutSheet({ onClose, groups }: { onClose: () => void; groups: NavGroup[] }) {
  const { singleKeys } = usePreferences()
  const pages = groups.flatMap((g) => g.items).flatMap((i): [string[], string][] => (i.keys ? [[i.keys.split(' '), i.label]] : []))
  return (
    <Dialog opened onClose={onClose} title={texts.common.shortcuts} size="lg">
      <Table verticalSpacing={6}>
        <Table.Thead><Table.Tr><Table.Th scope="col">{t.keys}</Table.Th><Table.Th scope="col">{t.about}</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {[...keys, ...pages].map(([k, what]) => (
            <Table.Tr key={k.join(' ')}>
              <Table.Td>{k.map((x, i) => <span key={x}>{i > 0 && ' '}<Kbd>{x}</Kbd></span>)}</Table.Td><Table.Td>{what}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Switch mt="md" label={texts.company.me.singleKeys} description={texts.company.me.singleKeysHint} checked={singleKeys} onChange={(e) => prefer({ singleKeys: e.currentTarget.checked })} />
    </Dialog>
  )
}
