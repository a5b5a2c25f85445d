import '@mantine/spotlight/styles.css'
import { useEffect, useState } from 'react'
import { Spotlight, spotlight, type SpotlightActionGroupData } from '@mantine/spotlight'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useRouter } from '@tanstack/react-router'
import { useMe } from '../api/me'
import { Icon } from '../components/Icon'
import { texts } from '../lib/texts'
import type { NavGroup } from './nav'
import { finders } from './finders'

/** Palette finds pages, and whatever the finders know: objects, people, workspaces. */
export default function Palette({ opened, groups }: { opened: number; groups: NavGroup[] }) {
  const t = texts.common.palette
  const me = useMe()
  const navigate = useNavigate()
  const router = useRouter()
  const [query, setQuery] = useState('')
  const [wanted] = useDebouncedValue(query.trim(), 150)
  useEffect(() => spotlight.open(), [opened])
  const found = useQuery({
    queryKey: ['palette', wanted],
    queryFn: async ({ signal }) => (await Promise.all(finders.map((f) => f(wanted, me, signal).catch(() => [])))).flat(),
    enabled: wanted.length > 1,
  })
  const pages: SpotlightActionGroupData[] = groups.map((g) => ({
    group: g.label,
    actions: g.items
      .filter((i) => (i.label + ' ' + g.label).toLowerCase().includes(query.trim().toLowerCase()))
      .map((i) => ({ id: i.to, label: i.label, leftSection: <Icon name={i.icon} />, onClick: () => void navigate({ to: i.to }) })),
  }))
  const objects = (wanted.length > 1 ? (found.data ?? []) : []).map((f) => ({
    id: f.href, label: f.label, description: f.about, leftSection: <Icon name={f.icon} />, onClick: () => router.history.push(f.href),
  }))
  const actions = [...pages, { group: 'Found', actions: objects }].filter((g) => g.actions.length > 0)
  return (
    <Spotlight actions={actions} query={query} onQueryChange={setQuery} filter={(_, all) => all} shortcut={null} scrollable maxHeight={420}
      nothingFound={t.nothing} attributes={{ content: { 'aria-label': t.open } }} searchProps={{ placeholder: t.placeholder, 'aria-label': t.open, leftSection: <Icon name="search" /> }} />
  )
}
