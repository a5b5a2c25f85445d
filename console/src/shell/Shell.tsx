import { lazy, Suspense, useEffect, useState, useSyncExternalStore } from 'react'
import { ActionIcon } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Outlet, useLocation, useNavigate, useRouter } from '@tanstack/react-router'
import { isApiError } from '../api/errors'
import { meQuery } from '../api/me'
import { hasEnded, onSession } from '../api/session'
import { Failure } from '../components/Failure'
import { Icon } from '../components/Icon'
import { Loading } from '../components/Loading'
import { Visits } from '../components/Page'
import { ReadOnlyBanner } from '../components/ReadOnly'
import { useShortcuts } from '../lib/shortcuts'
import { texts } from '../lib/texts'
import { Rail } from './Rail'
import { TopBar } from './TopBar'
import { askForPalette, forgetPalette, onPalette, paletteAsked } from './paletteKey'
import { navigation } from './nav'

const SessionEnded = lazy(() => import('./SessionEnded'))
const loadPalette = () => import('./Palette')
const Palette = lazy(loadPalette)
const ShortcutSheet = lazy(() => import('./ShortcutSheet'))
const t = texts.common

/** Shell is around every page but those of signing in: rail, top bar, and what lies over all pages. */
export function Shell() {
  const me = useQuery(meQuery)
  if (me.isPending) return <main className="app-page"><Loading rows={10} /></main>
  if (!me.data) {
    if (isApiError(me.error, 'UNAUTHENTICATED')) return <ToSignIn />
    return <main className="app-page"><Failure error={me.error} what={t.product} retry={() => me.refetch()} /></main>
  }
  return <Frame />
}

/** ToSignIn leads to the sign-in, once: while that loads the shell is still drawn, and would lead there again and again. */
function ToSignIn() {
  const router = useRouter()
  useEffect(() => {
    forgetPalette()
    void router.navigate({ to: '/sign-in', search: { to: router.state.location.publicHref }, replace: true })
  }, [router])
  return null
}

/** useVisits counts how often the page has changed. */
function useVisits(): number {
  const pathname = useLocation({ select: (l) => l.pathname })
  const [seen, setSeen] = useState({ pathname, visits: 0 })
  if (seen.pathname !== pathname) setSeen({ pathname, visits: seen.visits + 1 })
  return seen.visits
}

function Frame() {
  const me = useQuery(meQuery).data
  const navigate = useNavigate()
  const [rail, railSwitch] = useDisclosure(false)
  const [sheet, sheetSwitch] = useDisclosure(false)
  const palette = useSyncExternalStore(onPalette, paletteAsked)
  const visits = useVisits()
  const ended = useSyncExternalStore(onSession, hasEnded)
  // Loaded beforehand: what is typed after its key is for the palette.
  useEffect(() => { void loadPalette().catch(() => undefined) }, [])
  const groups = me ? navigation(me) : []
  const pages = Object.fromEntries(groups.flatMap((g) => g.items).flatMap((i) => (i.keys ? [[i.keys, () => void navigate({ to: i.to })]] : [])))
  const toRows = () => document.querySelector<HTMLElement>('main [role=table] [role=row][tabindex="0"]')?.focus()
  useShortcuts({
    ...pages,
    j: toRows, k: toRows, // from where they go on among the rows
    '?': sheetSwitch.open,
    '/': () => document.querySelector<HTMLElement>('main input[type=search], main [role=search] input')?.focus(),
  })
  return (
    <Visits value={visits}>
      <a href="#content" className="app-skip">{t.skip}</a>
      <header className="app-header">
        <TopBar onHelp={sheetSwitch.open} onPalette={askForPalette} burger={
          <ActionIcon variant="subtle" color="gray" size="lg" onClick={railSwitch.toggle} hiddenFrom="sm" aria-label={t.menu} aria-expanded={rail} aria-controls="rail"><Icon name={rail ? 'close' : 'menu'} /></ActionIcon>
        } />
      </header>
      <nav className="app-rail" id="rail" aria-label={t.navigation} data-open={rail || undefined}><Rail groups={groups} onGo={railSwitch.close} /></nav>
      <main className="app-main" id="content" tabIndex={-1}>
        <ReadOnlyBanner />
        <Suspense fallback={<div className="app-page"><Loading /></div>}><Outlet /></Suspense>
      </main>
      <Suspense fallback={null}>
        {sheet && <ShortcutSheet onClose={sheetSwitch.close} groups={groups} />}
        {palette > 0 && <Palette opened={palette} groups={groups} />}
        {ended && me?.session && <SessionEnded />}
      </Suspense>
    </Visits>
  )
}
