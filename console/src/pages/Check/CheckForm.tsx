import { Autocomplete, Button, Collapse, Grid, Textarea, TextInput } from '@mantine/core'
import type { Question } from '../../api/explain'
import { membersOf, useOutline } from '../../api/schema'
import { Form } from '../../components/Form'
import { ObjectInput } from '../../components/ObjectInput'
import { faultOf, faultsOfCheck } from '../../lib/faults'
import { parseObject, parseSubject } from '../../lib/relationship'
import { useFollowing } from '../../lib/useFollowing'
import { texts } from '../../lib/texts'
import { ContextFields } from './ContextFields'

const t = texts.workbench.check
type Faults = { resource?: string; permission?: string; subject?: string; context?: string; at?: string }

/** faultsOf is what is wrong with a question that is asked: what it needs is there, and well written. */
function faultsOf(q: Question): Faults {
  const missing = { resource: q.resource ? undefined : faultOf(parseObject, ''), subject: q.subject ? undefined : faultOf(parseSubject, ''), permission: q.permission ? undefined : t.choose }
  return { ...faultsOfCheck(q), ...(Object.fromEntries(Object.entries(missing).filter(([, v]) => v)) as Faults) }
}

export function CheckForm({ initial, busy, onAsk }: { initial: Partial<Question>; busy: boolean; onAsk: (q: Question) => void }) {
  const outline = useOutline().data
  const [q, setQ] = useFollowing(JSON.stringify(initial), { resource: initial.resource ?? '', permission: initial.permission ?? '', subject: initial.subject ?? '', context: initial.context ?? '', at: initial.at ?? '' })
  const [faults, setFaults] = useFollowing<Faults>(JSON.stringify(initial), faultsOfCheck(initial))
  const given = !!(initial.context || initial.at)
  const [more, setMore] = useFollowing(String(given), given)
  const set = (change: Partial<typeof q>) => setQ((old) => ({ ...old, ...change }))
  const type = q.resource.split(':')[0] ?? ''
  const submit = () => {
    const asked: Question = { resource: q.resource.trim(), permission: q.permission.trim(), subject: q.subject.trim(), ...(q.context.trim() ? { context: q.context.trim() } : {}), ...(q.at.trim() ? { at: q.at.trim() } : {}) }
    const found = faultsOf(asked)
    setFaults(found)
    if (Object.keys(found).length === 0) onAsk(asked)
  }
  return (
    <Form card onSubmit={submit}>
      <Grid align="flex-start">
        <Grid.Col span={{ base: 12, sm: 4 }}>
          <ObjectInput kind="subject" label={t.subject} value={q.subject} onChange={(subject) => set({ subject })} placeholder="user:maria" {...(faults.subject ? { error: faults.subject } : {})} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, sm: 2.5 }}>
          <Autocomplete label={t.permission} value={q.permission} onChange={(permission) => set({ permission })} data={membersOf(outline, type)} placeholder="edit" autoComplete="off" spellCheck={false}
            classNames={{ input: 'app-mono' }} {...(faults.permission ? { error: faults.permission } : {})} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, sm: 4 }}>
          <ObjectInput kind="resource" label={t.resource} value={q.resource} onChange={(resource) => set({ resource })} placeholder="model:claims" {...(faults.resource ? { error: faults.resource } : {})} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, sm: 1.5 }} className="app-beside-label">
          <Button type="submit" fullWidth loading={busy}>{t.run}</Button>
        </Grid.Col>
      </Grid>
      <Button variant="subtle" size="compact-sm" mt="xs" onClick={() => setMore(!more)} aria-expanded={more} aria-controls="check-more">{more ? t.less : t.more}</Button>
      <Collapse expanded={more} id="check-more">
        <Grid mt="xs">
          <Grid.Col span={{ base: 12, sm: 8 }}>
            <ContextFields caveats={outline?.caveats ?? []} value={q.context} onChange={(context) => set({ context })} />
            <Textarea label={t.context} description={t.contextHint} value={q.context} onChange={(e) => set({ context: e.currentTarget.value })} autosize minRows={2} maxRows={10} classNames={{ input: 'app-mono' }} spellCheck={false} {...(faults.context ? { error: faults.context } : {})} />
          </Grid.Col>
          <Grid.Col span={{ base: 12, sm: 4 }}>
            <TextInput label={t.at} description={t.atHint} value={q.at} onChange={(e) => set({ at: e.currentTarget.value })} inputMode="numeric" autoComplete="off" {...(faults.at ? { error: faults.at } : {})} />
          </Grid.Col>
        </Grid>
      </Collapse>
    </Form>
  )
}
