import { Tabs } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useMe } from '../../api/me'
import { Page } from '../../components/Page'
import { texts } from '../../lib/texts'
import { Password } from './Password'
import { Profile } from './Profile'
import { SessionsTab } from './SessionsTab'
import { Settings } from './Settings'
import { Tokens } from './Tokens'

const t = texts.company.me
const route = getRouteApi('/shell/me')
const tabs = { profile: Profile, password: Password, sessions: SessionsTab, tokens: Tokens, settings: Settings }
const names = ['profile', 'password', 'sessions', 'tokens', 'settings'] as const

/** Me is what belongs to oneself. Operators who came with a key have settings alone. */
export function Me() {
  const me = useMe()
  const { tab } = route.useSearch()
  const navigate = route.useNavigate()
  const shown = names.filter((n) => me.person || n === 'settings')
  const first = shown[0] ?? 'settings'
  const open = shown.find((n) => n === tab) ?? first
  const go = (next: string | null) => {
    const to = shown.find((n) => n === next)
    void navigate({ search: to && to !== first ? { tab: to } : {}, replace: true })
  }
  return (
    <Page title={texts.company.pages.me} about={me.person?.name ?? me.operator}>
      <Tabs value={open} onChange={go} keepMounted={false}>
        <Tabs.List mb="md">{shown.map((n) => <Tabs.Tab key={n} value={n}>{t.tabs[n]}</Tabs.Tab>)}</Tabs.List>
        {shown.map((n) => {
          const Part = tabs[n]
          return <Tabs.Panel key={n} value={n}><Part /></Tabs.Panel>
        })}
      </Tabs>
    </Page>
  )
}
