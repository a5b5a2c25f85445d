import { useState } from 'react'
import { Select, Text, TextInput, Textarea } from '@mantine/core'
import { isApiError } from '../../api/errors'
import type { RelationshipJson } from '../../api/gen/authzed/api/v1/core_pb'
import { update, useWrite, type Operation } from '../../api/relationships'
import { definitionOf, useOutline } from '../../api/schema'
import { saved } from '../../components/Announcer'
import { DialogForm } from '../../components/DialogForm'
import { Failure } from '../../components/Failure'
import { FormFailure } from '../../components/FormFailure'
import { ObjectInput } from '../../components/ObjectInput'
import { Conflict } from '../../components/Outcome'
import { exactly, type Filter } from '../../lib/filter'
import { objectText, parseContext, parseObject, parseSubject, relationshipText, subjectText } from '../../lib/relationship'
import { texts } from '../../lib/texts'

const t = texts.relationships
const labels = { resource: texts.workbench.check.resource, relation: t.columns.relation, subject: texts.workbench.check.subject, values: t.values }
type Faults = Partial<Record<keyof typeof labels, string>>

/** localTime writes a moment as an input of the browser has it. */
function localTime(at: string | undefined): string {
  if (!at) return ''
  const d = new Date(at)
  return new Date(d.getTime() - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** EditForm makes a relationship, or changes what one depends on. */
export function EditForm({ relationship, filter, onDone }: { relationship?: RelationshipJson; filter: Filter; onDone: () => void }) {
  const outline = useOutline().data
  const write = useWrite()
  const [first] = useState({
    resource: relationship ? objectText(relationship.resource) : filter.type ? `${filter.type}:${filter.id.endsWith('%') ? '' : filter.id}` : '',
    relation: relationship?.relation ?? filter.relation,
    subject: relationship ? subjectText(relationship.subject) : filter.subjectType ? `${filter.subjectType}:${filter.subjectId}` : '',
    caveat: relationship?.optionalCaveat?.caveatName ?? '',
    values: relationship?.optionalCaveat?.context ? JSON.stringify(relationship.optionalCaveat.context) : '',
    expires: localTime(relationship?.optionalExpiresAt),
  })
  const [f, setF] = useState(first)
  const [faults, setFaults] = useState<Faults>({})
  const before = relationship?.optionalExpiresAt // the input has no seconds: what nobody touched stays as it is
  const set = (change: Partial<typeof f>) => setF((old) => ({ ...old, ...change }))
  const relations = definitionOf(outline, f.resource.split(':')[0] ?? '')?.relations ?? []
  const read = (): RelationshipJson | undefined => {
    const found: Faults = {}
    write.reset() // what was refused before was another
    const attempt = <T,>(field: keyof Faults, parse: () => T): T | undefined => {
      try {
        return parse()
      } catch (e) {
        found[field] = e instanceof Error ? e.message : String(e)
        return undefined
      }
    }
    const resource = attempt('resource', () => parseObject(f.resource.trim()))
    const subject = attempt('subject', () => parseSubject(f.subject.trim()))
    const context = attempt('values', () => (f.caveat && f.values.trim() ? parseContext(f.values) : undefined))
    if (!f.relation) found.relation = t.chooseRelation
    setFaults(found)
    if (Object.keys(found).length > 0 || !resource || !subject) return undefined
    return {
      resource, relation: f.relation, subject,
      ...(f.caveat ? { optionalCaveat: { caveatName: f.caveat, ...(context ? { context } : {}) } } : {}),
      ...(f.expires ? { optionalExpiresAt: f.expires === localTime(before) && before ? before : new Date(f.expires).toISOString() } : {}),
    }
  }
  const submit = (operation: Operation) => {
    const r = read()
    const there = relationship ? { preconditions: [{ operation: 'OPERATION_MUST_MATCH' as const, filter: exactly(relationship) }] } : {} // else it would be made again
    if (r) write.mutate({ updates: [update(operation, r)], ...there }, { onSuccess: () => { saved(t.added); onDone() } })
  }
  const dirty = (Object.keys(f) as (keyof typeof f)[]).some((k) => f[k] !== first[k])
  const later = relationship ? { 'data-autofocus': true } : {} // the first that can be changed gets the focus
  const key = { ...(relationship ? { readOnly: true } : {}) }
  return (
    <DialogForm onSubmit={() => submit(relationship ? 'touch' : 'create')} onCancel={onDone} action={relationship ? texts.common.save : t.add} dirty={dirty} busy={write.isPending}>
      {relationship
        ? <Text className="app-mono" size="sm">{relationshipText(relationship)}</Text>
        : (
          <>
            <ObjectInput kind="resource" first label={labels.resource} data-path="resource" value={f.resource} onChange={(resource) => set({ resource })} {...(faults.resource ? { error: faults.resource } : {})} />
            <Select label={labels.relation} data-path="relation" data={relations.map((r) => r.name)} value={f.relation || null} onChange={(relation) => set({ relation: relation ?? '' })} searchable {...key} {...(faults.relation ? { error: faults.relation } : {})} />
            <ObjectInput kind="subject" label={labels.subject} data-path="subject" value={f.subject} onChange={(subject) => set({ subject })} {...(faults.subject ? { error: faults.subject } : {})} />
          </>
        )}
      {(outline?.caveats.length ?? 0) > 0 && <Select label={t.caveat} data={outline?.caveats.map((c) => c.name) ?? []} value={f.caveat || null} onChange={(caveat) => set({ caveat: caveat ?? '' })} placeholder={t.noCaveat} clearable {...later} />}
      {f.caveat && <Textarea label={labels.values} data-path="values" value={f.values} onChange={(e) => set({ values: e.currentTarget.value })} autosize minRows={2} classNames={{ input: 'app-mono' }} spellCheck={false} {...(faults.values ? { error: faults.values } : {})} />}
      <TextInput type="datetime-local" label={t.expires} description={t.expiresHint} value={f.expires} onChange={(e) => set({ expires: e.currentTarget.value })} {...later} />
      <FormFailure error={undefined} what={t.add} errors={faults} labels={labels} />
      {isApiError(write.error, 'ALREADY_EXISTS')
        ? <Conflict onReload={onDone} onApply={() => submit('touch')}>{t.exists}</Conflict>
        : write.isError && <Failure error={write.error} what={relationship ? t.edit : t.add} />}
    </DialogForm>
  )
}
