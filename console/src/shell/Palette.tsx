import '@mantine/spotlight/styles.css'
import { useEffect, useState } from 'react'
import { createSpotlight, Spotlight, type SpotlightActionGroupData } from '@mantine/spotlight'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useRouter } from '@tanstack/react-router'
import { useMe } from '../api/me'
import { announce } from '../components/Announcer'
import { Icon } from '../components/Icon'
import { texts } from '../lib/texts'
import type { NavGroup } from './nav'
import { find, type Found } from './finders'
import { takeTyped } from './paletteKey'

const [store, control] = createSpotlight()

/** Palette finds pages, and what the server knows by the name: objects, people, workspaces. */
export default function Palette({ opened, groups }: { opened: number; groups: NavGroup[] }) {
  const t = texts.common.palette
  const me = useMe()
  const navigate = useNavigate()
  const router = useRouter()
  const [query, setQuery] = useState('')
  const [wanted] = useDebouncedValue(query.trim(), 150)
  useEffect(() => control.open(), [opened])
  const found = useQuery({
    queryKey: ['palette', wanted],
    queryFn: ({ signal }) => find(wanted, me, signal),
    enabled: wanted.length > 1,
  })
  const pages: SpotlightActionGroupData[] = groups.map((g) => ({
    group: g.label,
    actions: g.items
      .filter((i) => (i.label + ' ' + g.label).toLowerCase().includes(query.trim().toLowerCase()))
      .map((i) => ({ id: i.to, label: i.label, leftSection: <Icon name={i.icon} />, onClick: () => void navigate({ to: i.to }) })),
  }))
  const searching = found.isFetching || wanted !== query.trim()
  // What was found for something else is not shown: Enter would open it.
  const hits = (!searching && wanted.length > 1 && found.data) || none
  useEffect(() => selectFirst(hits), [hits])
  const objects = hits.map((f) => ({
    id: f.href, label: f.label, description: f.about, leftSection: <Icon name={f.icon} />, onClick: () => router.history.push(f.href),
  }))
  const actions = [...pages, { group: t.found, actions: objects }].filter((g) => g.actions.length > 0)
  return (
    <Spotlight store={store} actions={actions} query={query} onQueryChange={setQuery} filter={(_, all) => all} shortcut={null} scrollable maxHeight={420}
      nothingFound={searching ? t.searching : t.nothing} attributes={{ content: { 'aria-label': t.open } }} searchProps={{ ...marked, onFocus: () => setQuery((q) => q + takeTyped()), placeholder: t.placeholder, 'aria-label': t.open, leftSection: <Icon name="search" /> }} />
  )
}

const none: Found[] = []
const marked = { 'data-palette': true } // for paletteKey

/** selectFirst lets Enter open the first entry when answers came after the last key, and says how many there are. */
function selectFirst(hits: Found[]) {
  if (hits.length === 0) return
  announce(texts.common.palette.hits(hits.length))
  const list = document.getElementById(store.getState().listId)
  if (!list || list.querySelector('[data-selected]')) return
  list.querySelector('[data-action]')?.setAttribute('data-selected', 'true')
  store.updateState((s) => ({ ...s, selected: 0 }))
}
