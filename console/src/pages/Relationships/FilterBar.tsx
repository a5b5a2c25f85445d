import { Button, CloseButton, Group, Select, Stack, TextInput } from '@mantine/core'
import { definitionOf, type Outline } from '../../api/schema'
import { Icon } from '../../components/Icon'
import { filterText, parseFilter, type Filter } from '../../lib/filter'
import { texts } from '../../lib/texts'
import { useFollowing } from '../../lib/useFollowing'

const t = texts.relationships
const parts = ['type', 'id', 'relation', 'subjectType', 'subjectId', 'subjectRelation'] as const

/** FilterBar shows a filter as text and as chips; both say the same. An address may have a text that is none, and why. */
export function FilterBar({ filter, text: asked, fault: wrong, outline, onChange }: { filter: Filter; text: string; fault: string; outline: Outline | undefined; onChange: (f: Filter) => void }) {
  const [text, setText] = useFollowing(asked, asked)
  const [fault, setFault] = useFollowing(asked, wrong)
  const apply = () => {
    try {
      onChange(parseFilter(text))
      setFault('')
    } catch (e) {
      setFault(e instanceof Error ? e.message : String(e))
    }
  }
  const definition = definitionOf(outline, filter.type)
  const subjects = [...new Set(definition?.relations.filter((r) => !filter.relation || r.name === filter.relation).flatMap((r) => r.subjects.map((s) => s.type)) ?? outline?.definitions.map((d) => d.name) ?? [])]
  const pick = (part: 'type' | 'relation' | 'subjectType', data: string[], clears: Partial<Filter>) => (
    <Select size="sm" w={170} aria-label={t.parts[part]} placeholder={t.parts[part]} data={data} value={filter[part] || null} onChange={(v) => onChange({ ...filter, ...clears, [part]: v ?? '' })} clearable searchable />
  )
  return (
    <Stack gap={8}>
      <Group gap="xs" align="flex-start">
        <form role="search" className="app-grow" onSubmit={(e) => { e.preventDefault(); apply() }}>
          <Group gap="xs" wrap="nowrap" align="flex-start">
            <TextInput type="search" className="app-grow" aria-label={t.filter} placeholder={t.filterHint} value={text} onChange={(e) => setText(e.currentTarget.value)} error={fault || undefined} leftSection={<Icon name="filter" size={16} />} classNames={{ input: 'app-mono' }} spellCheck={false} autoComplete="off" />
            <Button type="submit" variant="default">{t.apply}</Button>
          </Group>
        </form>
        {pick('type', outline?.definitions.map((d) => d.name) ?? [], { id: '', relation: '' })}
        {pick('relation', definition?.relations.map((r) => r.name) ?? [], {})}
        {pick('subjectType', subjects, { subjectId: '', subjectRelation: '' })}
      </Group>
      {filterText(filter) && (
        <Group gap={6}>
          {parts.filter((p) => filter[p]).map((p) => (
            <span key={p} className="app-chip">
              <span><span className="app-step-kind">{t.parts[p]}</span> <span className="app-mono">{filter[p]}</span></span>
              <CloseButton size="sm" aria-label={t.removePart(t.parts[p])} onClick={() => onChange(without(filter, p))} />
            </span>
          ))}
          <Button size="compact-sm" variant="subtle" onClick={() => onChange({ type: '', id: '', relation: '', subjectType: '', subjectId: '', subjectRelation: '' })}>{texts.common.clear}</Button>
        </Group>
      )}
    </Stack>
  )
}

/** without leaves out a part, and what needs it. */
function without(f: Filter, part: (typeof parts)[number]): Filter {
  if (part === 'type') return { ...f, type: '', id: '' }
  if (part === 'subjectType') return { ...f, subjectType: '', subjectId: '', subjectRelation: '' }
  return { ...f, [part]: '' }
}
