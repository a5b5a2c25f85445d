import { useEffect, useState } from 'react'
import { Group, Select, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { allServices, serviceName } from '../../api/portal/words'
import type { Filter } from '../../api/portal/people'
import { Icon } from '../../components/Icon'
import { texts } from '../../lib/texts'

const t = texts.company

/** Filters narrow the list; what is typed counts after a moment. */
export function Filters({ value, onChange }: { value: Filter; onChange: (change: Filter) => void }) {
  const [search, setSearch] = useState(value.search ?? '')
  const [asked] = useDebouncedValue(search, 250)
  const [given, setGiven] = useState(value.search)
  if (given !== value.search) { // the address changed: back, or the filter was cleared
    setGiven(value.search)
    if ((value.search ?? '') !== asked) setSearch(value.search ?? '')
  }
  useEffect(() => {
    if (asked === search && asked !== (value.search ?? '')) onChange({ search: asked })
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only what was typed is news
  }, [asked])
  return (
    <Group gap="xs" role="search" aria-label={t.people.filters}>
      <TextInput aria-label={t.people.search} placeholder={t.people.search} type="search" value={search} onChange={(e) => setSearch(e.currentTarget.value)} leftSection={<Icon name="search" />} w={{ base: '100%', xs: 280 }} />
      <Select aria-label={t.state} placeholder={t.people.anyState} clearable value={value.state ?? null} onChange={(v) => onChange({ state: v ?? '' })} w={150}
        data={(['USER_STATE_INVITED', 'USER_STATE_ACTIVE', 'USER_STATE_DEACTIVATED'] as const).map((s) => ({ value: s, label: t.states[s] }))} />
      <Select aria-label={t.service} placeholder={t.people.anyService} clearable value={value.service ?? null} onChange={(v) => onChange({ service: v ?? '' })} w={190} data={allServices.map((s) => ({ value: s, label: serviceName(s) }))} />
      <Select aria-label={t.role} placeholder={t.people.anyRole} clearable value={value.role ?? null} onChange={(v) => onChange({ role: v ?? '' })} w={190} data={Object.entries(t.people.roles).map(([r, label]) => ({ value: r, label }))} />
    </Group>
  )
}
