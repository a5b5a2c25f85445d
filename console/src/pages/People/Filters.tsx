import { Group, Select } from '@mantine/core'
import { allServices, serviceName } from '../../api/portal/words'
import type { Filter } from '../../api/portal/people'
import { SearchField } from '../../components/SearchField'
import { texts } from '../../lib/texts'

const t = texts.company

/** Filters narrow the list. */
export function Filters({ value, onChange }: { value: Filter; onChange: (change: Filter) => void }) {
  return (
    <Group gap="xs" role="search" aria-label={t.people.filters}>
      <SearchField label={t.people.search} value={value.search} onChange={(search) => onChange({ search })} w={{ base: '100%', xs: 280 }} />
      <Select aria-label={t.state} placeholder={t.people.anyState} clearable value={value.state ?? null} onChange={(v) => onChange({ state: v ?? '' })} w={150}
        data={(['USER_STATE_INVITED', 'USER_STATE_ACTIVE', 'USER_STATE_DEACTIVATED'] as const).map((s) => ({ value: s, label: t.states[s] }))} />
      <Select aria-label={t.service} placeholder={t.people.anyService} clearable value={value.service ?? null} onChange={(v) => onChange({ service: v ?? '' })} w={190} data={allServices.map((s) => ({ value: s, label: serviceName(s) }))} />
      <Select aria-label={t.role} placeholder={t.people.anyRole} clearable value={value.role ?? null} onChange={(v) => onChange({ role: v ?? '' })} w={190} data={Object.entries(t.people.roles).map(([r, label]) => ({ value: r, label }))} />
    </Group>
  )
}
