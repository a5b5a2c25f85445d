import { Tabs } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { may, useMe } from '../../api/me'
import { NotAllowed } from '../../components/Empty'
import { Page } from '../../components/Page'
import { texts } from '../../lib/texts'
import { Authenticators } from './Authenticators'
import { Clients } from './Clients'
import { Policies } from './Policies'

const t = texts.settings
const route = getRouteApi('/shell/settings')
const tabs = { policies: Policies, authenticators: Authenticators, clients: Clients }
const needs = { policies: 'manage_security_policies', authenticators: 'manage_identity_providers', clients: 'manage_identity_providers' }
const names = ['policies', 'authenticators', 'clients'] as const

/** Settings is the identity side of a company: policies, who signs people in, and to what. */
export function Settings() {
  const me = useMe()
  const { tab } = route.useSearch()
  const navigate = route.useNavigate()
  const shown = names.filter((n) => may(me, needs[n]))
  const open = shown.find((n) => n === tab) ?? shown[0]
  const go = (next: string | null) => {
    const to = shown.find((n) => n === next)
    void navigate({ search: to && to !== shown[0] ? { tab: to } : {}, replace: true })
  }
  return (
    <Page title={texts.company.pages.settings} about={t.about}>
      {!open ? <NotAllowed permission={t.denied} who={t.grants} /> : (
        <Tabs value={open} onChange={go} keepMounted={false}>
          <Tabs.List mb="md">{shown.map((n) => <Tabs.Tab key={n} value={n}>{t.tabs[n]}</Tabs.Tab>)}</Tabs.List>
          {shown.map((n) => {
            const Part = tabs[n]
            return <Tabs.Panel key={n} value={n}><Part /></Tabs.Panel>
          })}
        </Tabs>
      )}
    </Page>
  )
}
