import { Kbd, Switch, Table } from '@mantine/core'
import { Dialog } from '../components/Dialog'
import { prefer, usePreferences } from '../lib/preferences'
import { texts } from '../lib/texts'
import type { NavGroup } from './nav'

const keys: [string[], string][] = [
  [['Ctrl', 'K'], 'Search or go to'],
  [['?'], 'These shortcuts'],
  [['/'], 'The search of the page'],
  [['j', 'k'], 'Row down, row up'],
  [['Enter'], 'Open the row'],
  [['x'], 'Select the row'],
  [['.'], 'Menu of the row'],
  [['Esc'], 'Close what lies on top'],
  [['Ctrl', 'Enter'], 'Send the dialog, run the check'],
]

/** ShortcutSheet lists the keys, and turns off those that are a single key. */
export default function ShortcutSheet({ onClose, groups }: { onClose: () => void; groups: NavGroup[] }) {
  const { singleKeys } = usePreferences()
  const pages = groups.flatMap((g) => g.items).flatMap((i): [string[], string][] => (i.keys ? [[i.keys.split(' '), i.label]] : []))
  return (
    <Dialog opened onClose={onClose} title={texts.common.shortcuts} size="lg">
      <Table verticalSpacing={6}>
        <Table.Thead><Table.Tr><Table.Th scope="col">Keys</Table.Th><Table.Th scope="col">What they do</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {[...keys, ...pages].map(([k, what]) => (
            <Table.Tr key={k.join(' ')}>
              <Table.Td>{k.map((x, i) => <span key={x}>{i > 0 && ' '}<Kbd>{x}</Kbd></span>)}</Table.Td><Table.Td>{what}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Switch mt="md" label="Single keys are shortcuts" description="Off: only those with Ctrl work, for those whose screen reader or voice control uses letters." checked={singleKeys} onChange={(e) => prefer({ singleKeys: e.currentTarget.checked })} />
    </Dialog>
  )
}
