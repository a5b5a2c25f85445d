import { useMemo, useState } from 'react'
import { Badge, Group, Radio, SimpleGrid, Text } from '@mantine/core'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { joined, merge, usual, type Choice, type Part } from '../../lib/merge'
import { texts } from '../../lib/texts'

const t = texts.schema.merge
const hues = { same: 'gray', both: 'gray', mine: 'blue', theirs: 'grape', conflict: 'yellow' } as const

type Props = { base: string; theirs: string; mine: string; onMerge: (text: string) => void; onClose: () => void }

/** Merge puts theirs and mine together: what one side alone changed is taken, and of the rest somebody chooses, place by place. */
export function Merge({ base, theirs, mine, onMerge, onClose }: Props) {
  const parts = useMemo(() => merge(base, theirs, mine), [base, theirs, mine])
  const [chosen, setChosen] = useState<Record<number, Choice>>({})
  const choice = (p: Part, i: number) => chosen[i] ?? usual(p)
  const places = parts.map((part, i) => ({ part, i })).filter(({ part }) => part.kind !== 'same' && part.kind !== 'both')
  const open = places.filter(({ part, i }) => !choice(part, i)).length
  return (
    <Dialog opened onClose={onClose} title={t.title} size={1180}>
      <DialogForm onSubmit={() => onMerge(joined(parts, choice))} onCancel={onClose} action={t.apply} stored={false} dirty={Object.keys(chosen).length > 0} busy={false} ready={open === 0}>
        <Text size="sm">{t.about}</Text>
        <Text size="sm" role="status" fw={600}>{places.length === 0 ? t.nothing : open > 0 ? t.open(open, places.length) : t.settled}</Text>
        {places.map(({ part, i }, n) => <Place key={i} part={part} number={n + 1} choice={choice(part, i)} onChoose={(c) => setChosen({ ...chosen, [i]: c })} />)}
      </DialogForm>
    </Dialog>
  )
}

function Place({ part: p, number, choice, onChoose }: { part: Part; number: number; choice: Choice | undefined; onChoose: (c: Choice) => void }) {
  const options: Choice[] = p.kind === 'conflict' ? ['theirs', 'mine', 'both'] : ['theirs', 'mine']
  const name = t.place(number, p.at)
  return (
    <section aria-label={name} className="app-merge">
      <Group gap="xs" mb={6}><Text size="sm" fw={600}>{name}</Text><Badge variant="light" size="sm" color={hues[p.kind]}>{t.kinds[p.kind]}</Badge></Group>
      <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="xs">
        {(['base', 'theirs', 'mine'] as const).map((side) => <Side key={side} title={t.sides[side]} lines={p[side]} changed={side !== 'base' && p[side].join('\n') !== p.base.join('\n')} />)}
      </SimpleGrid>
      <Radio.Group aria-label={t.take(name)} value={choice ?? ''} onChange={(v) => onChoose(v as Choice)} mt="xs">
        <Group gap="md">{options.map((o) => <Radio key={o} value={o} label={t.choices[o]} />)}</Group>
      </Radio.Group>
    </section>
  )
}

function Side({ title, lines, changed }: { title: string; lines: string[]; changed: boolean }) {
  return (
    <div>
      <Text size="xs" c="dimmed">{title}</Text>
      {lines.length === 0 ? <Text size="sm" c="dimmed" fs="italic">{t.noLines}</Text> : <pre className={changed ? 'app-merge-text app-merge-changed' : 'app-merge-text'}>{lines.join('\n') || ' '}</pre>}
    </div>
  )
}
