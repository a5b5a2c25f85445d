import { useState } from 'react'
import { Button, Checkbox, Group, Select, SimpleGrid, Stack, Text } from '@mantine/core'
import { Form } from '../../components/Form'
import { texts } from '../../lib/texts'
import { targets, type Mapping, type Target } from './csv'

const t = texts.company.import

type Choice = { mapping: Mapping; update: boolean; invite: boolean }
type Props = { head: readonly string[]; sample: readonly string[]; first: Mapping; busy: boolean; onBack: () => void; onNext: (c: Choice) => void }

/** MapColumns says which column of the file is what. */
export function MapColumns({ head, sample, first, busy, onBack, onNext }: Props) {
  const [mapping, setMapping] = useState(first)
  const [update, setUpdate] = useState(false)
  const [invite, setInvite] = useState(true)
  const set = (column: string, target: string | null) => {
    // a target is one column: the one that had it loses it
    const others = Object.entries(mapping).filter(([c, had]) => c !== column && had !== target)
    setMapping(Object.fromEntries([...others, ...(target ? [[column, target as Target]] : [])]))
  }
  const email = Object.values(mapping).includes('email')
  return (
    <Form onSubmit={() => { if (email && !busy) onNext({ mapping, update, invite }) }}>
      <Stack maw={760}>
        <Text size="sm">{t.mapAbout}</Text>
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          {head.map((column, i) => (
            <Select key={i} label={column || t.unnamed(i + 1)} description={sample[i] ? t.sample(sample[i]) : t.noSample} placeholder={t.leaveOut} clearable value={mapping[column] ?? null} onChange={(v) => set(column, v)}
              data={targets.map((x) => ({ value: x, label: t.targets[x] }))} disabled={!column} />
          ))}
        </SimpleGrid>
        <Checkbox label={t.update} description={t.updateHint} checked={update} onChange={(e) => setUpdate(e.currentTarget.checked)} />
        <Checkbox label={t.invite} description={t.inviteHint} checked={invite} onChange={(e) => setInvite(e.currentTarget.checked)} />
        {!email && <Text size="sm" role="status" fw={600}>{t.needsEmail}</Text>}
        <Group justify="flex-end">
          <Button variant="default" onClick={onBack}>{t.back}</Button>
          <Button type="submit" loading={busy} disabled={!email}>{t.judge}</Button>
        </Group>
      </Stack>
    </Form>
  )
}
