import { Autocomplete, Button, Grid, TextInput } from '@mantine/core'
import { definitionOf, membersOf, useOutline, type Outline } from '../../api/schema'
import { faultOf, faultsOfLookup } from '../../lib/faults'
import { parseObject, parseSubject } from '../../lib/relationship'
import { texts } from '../../lib/texts'
import { useFollowing } from '../../lib/useFollowing'
import { Form } from '../Form'
import { ObjectInput } from '../ObjectInput'

const t = texts.lookup
const c = texts.workbench.check

/** Asked is a look-up as it stands in an address. */
export type Asked = { resource?: string; permission?: string; subject?: string; context?: string; at?: string; vs?: string; vsAt?: string }
type Faults = Partial<Record<keyof Asked, string>>

/** kinds of subjects that a schema knows: types, and the sets that relations take. */
function kindsOf(o: Outline | undefined): string[] {
  const sets = o?.definitions.flatMap((d) => d.relations.flatMap((r) => r.subjects.filter((s) => s.relation && s.relation !== '...').map((s) => `${s.type}#${s.relation}`))) ?? []
  return [...new Set([...(o?.definitions.map((d) => d.name) ?? []), ...sets])]
}

export function LookupForm({ kind, initial, busy, onAsk }: { kind: 'who' | 'what'; initial: Asked; busy: boolean; onAsk: (a: Asked) => void }) {
  const outline = useOutline().data
  const words = t[kind]
  const [a, setA] = useFollowing(JSON.stringify(initial), { resource: initial.resource ?? '', permission: initial.permission ?? '', at: initial.at ?? '', vs: initial.vs ?? '', vsAt: initial.vsAt ?? '', context: initial.context ?? '', subject: initial.subject ?? (kind === 'who' ? 'user' : '') })
  const [faults, setFaults] = useFollowing<Faults>(JSON.stringify(initial), faultsOfLookup(kind, initial))
  const given = !!(initial.vs || initial.vsAt || initial.at)
  const [more, setMore] = useFollowing(String(given), given)
  const set = (change: Partial<typeof a>) => setA((old) => ({ ...old, ...change }))
  const type = a.resource.split(':')[0] ?? ''
  const submit = () => {
    const found: Faults = faultsOfLookup(kind, a)
    const about = kind === 'who' ? faultOf(parseObject, a.resource) : faultOf(parseSubject, a.subject)
    if (about) found[kind === 'who' ? 'resource' : 'subject'] = about
    if (kind === 'who' && !a.subject) found.subject = t.chooseType
    if (kind === 'what' && !definitionOf(outline, a.resource)) found.resource = t.chooseType
    if (!a.permission) found.permission = c.choose
    setFaults(found)
    if (Object.keys(found).length === 0) onAsk(Object.fromEntries(Object.entries(a).filter(([, v]) => v)))
  }
  const error = (f: keyof Faults) => (faults[f] ? { error: faults[f] } : {})
  const object = (field: 'resource' | 'subject') => <ObjectInput kind={field} label={c[field]} value={a[field]} onChange={(v) => set({ [field]: v })} {...error(field)} />
  const choice = (field: 'resource' | 'subject' | 'permission', label: string, data: string[], hint?: string) => (
    <Autocomplete label={label} data={data} value={a[field]} onChange={(v) => set({ [field]: v })} autoComplete="off" spellCheck={false} classNames={{ input: 'app-mono' }} {...(hint ? { placeholder: hint } : {})} {...error(field)} />
  )
  const revision = (field: 'at' | 'vsAt', label: string, hint: string) => (
    <TextInput label={label} description={hint} value={a[field]} onChange={(e) => set({ [field]: e.currentTarget.value.trim() })} inputMode="numeric" autoComplete="off" {...error(field)} />
  )
  return (
    <Form card onSubmit={submit}>
      <Grid align="flex-start">
        <Grid.Col span={{ base: 12, sm: 4 }}>{kind === 'who' ? object('resource') : object('subject')}</Grid.Col>
        <Grid.Col span={{ base: 12, sm: 3 }}>{choice('permission', c.permission, membersOf(outline, type))}</Grid.Col>
        <Grid.Col span={{ base: 12, sm: 3 }}>{kind === 'who' ? choice('subject', words.type, kindsOf(outline), words.typeHint) : choice('resource', words.type, outline?.definitions.map((d) => d.name) ?? [], words.typeHint)}</Grid.Col>
        <Grid.Col span={{ base: 12, sm: 2 }} className="app-beside-label"><Button type="submit" fullWidth loading={busy}>{t.run}</Button></Grid.Col>
      </Grid>
      <Button variant="subtle" size="compact-sm" mt="xs" aria-expanded={more} onClick={() => { if (more) set({ vs: '', vsAt: '', at: '' }); setMore(!more) }}>{more ? t.compareLess : t.compare}</Button>
      {more && (
        <Grid mt={4} align="flex-start">
          <Grid.Col span={{ base: 12, sm: 3 }}>{revision('at', c.at, c.atHint)}</Grid.Col>
          <Grid.Col span={{ base: 12, sm: 5 }}><ObjectInput kind={kind === 'who' ? 'resource' : 'subject'} label={words.vs} description={words.vsHint} value={a.vs} onChange={(vs) => set({ vs })} {...error('vs')} /></Grid.Col>
          <Grid.Col span={{ base: 12, sm: 4 }}>{revision('vsAt', t.vsAt, t.vsAtHint)}</Grid.Col>
        </Grid>
      )}
    </Form>
  )
}
