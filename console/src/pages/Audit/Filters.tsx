import { Group, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { allServices, serviceName } from '../../api/portal/words'
import { Icon } from '../../components/Icon'
import { texts } from '../../lib/texts'
import type { AuditSearch } from './filter'
import { PickActor } from './PickActor'

const t = texts.company.audit

type Props = { value: AuditSearch; onChange: (change: Record<string, string | null>) => void }

/** Filters narrow the log; what is typed counts after a moment. */
export function Filters({ value, onChange }: Props) {
  const type = useDebouncedCallback((name: string, text: string) => onChange({ [name]: text }), 300)
  return (
    <Group gap="xs" role="search" aria-label={t.filters} align="flex-end">
      <TextInput label={texts.common.search} type="search" defaultValue={value.search ?? ''} onChange={(e) => type('search', e.currentTarget.value)} leftSection={<Icon name="search" />} w={{ base: '100%', xs: 220 }} />
      <PickActor id={value.actor} onPick={(id) => onChange({ actor: id })} />
      <Select label={t.action} placeholder={t.any} clearable searchable value={value.action ?? null} onChange={(v) => onChange({ action: v })} w={190} data={t.actions.map(([v, label]) => ({ value: v, label }))} />
      <TextInput label={t.target} placeholder="model:…" defaultValue={value.target ?? ''} onChange={(e) => type('target', e.currentTarget.value.trim())} w={150} />
      <Select label={texts.company.service} placeholder={t.any} clearable value={value.service ?? null} onChange={(v) => onChange({ service: v })} w={180} data={allServices.map((s) => ({ value: s, label: serviceName(s) }))} />
      <Select label={t.result} placeholder={t.any} clearable value={value.result ?? null} onChange={(v) => onChange({ result: v })} w={120} data={[{ value: 'allowed', label: t.allowed }, { value: 'refused', label: t.refused }]} />
      <TextInput label={t.since} type="date" value={value.since ?? ''} onChange={(e) => onChange({ since: e.currentTarget.value })} w={150} />
      <TextInput label={t.until} type="date" value={value.until ?? ''} onChange={(e) => onChange({ until: e.currentTarget.value })} w={150} />
    </Group>
  )
}
