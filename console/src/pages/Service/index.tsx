import { Group, Progress, Tabs, Text } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import type { SubscriptionJson } from '../../api/gen/pemba/portal/v1/subscriptions_pb'
import { useSubscription } from '../../api/portal/subscriptions'
import { can, personName, serviceName, workspaceNoun } from '../../api/portal/words'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Page, titleOf } from '../../components/Page'
import { count, list } from '../../lib/format'
import { texts } from '../../lib/texts'
import { Groups } from './Groups'
import { Settings } from './Settings'
import { Users } from './Users'
import { Workspaces } from './Workspaces'

const t = texts.portal.service
/** tabbed is an address with a tab, or without for the first one. */
const tabbed = <T extends string>(tab: T | undefined) => (tab ? { tab } : {})

const route = getRouteApi('/shell/services/$sid')

/** Service is one subscription: who uses it, its workspaces, groups and policies. */
export function Service() {
  const { sid } = route.useParams()
  const one = useSubscription(sid)
  const s = one.data?.subscription
  return (
    <Page title={titleOf(one, s && serviceName(s.service), texts.company.service)} about={s && <About of={s} />}>
      {one.isPending && <Loading />}
      {one.isError && <Refused error={one.error} what={t.loading} permission="view" retry={one.refetch} />}
      {s && <Sections of={s} />}
    </Page>
  )
}

function About({ of: s }: { of: SubscriptionJson }) {
  const bought = s.licences ?? 0
  return (
    <Group gap="md">
      {s.owners?.length ? <span>{t.ownedBy(list(s.owners.map(personName)))}</span> : null}
      {bought > 0 && (
        <Group gap={8}>
          <Progress w={120} value={(100 * (s.licencesUsed ?? 0)) / bought} aria-label={texts.portal.home.licences(count(s.licencesUsed ?? 0), count(bought))} />
          <Text size="sm">{texts.portal.home.licences(count(s.licencesUsed ?? 0), count(bought))}</Text>
        </Group>
      )}
    </Group>
  )
}

function Sections({ of: s }: { of: SubscriptionJson }) {
  const { tab } = route.useSearch()
  const navigate = route.useNavigate()
  const shown = [
    ...(can(s.allowed, 'list_users') ? ['users' as const] : []),
    'workspaces' as const,
    ...(can(s.allowed, 'manage_groups') ? ['groups' as const] : []),
    ...(can(s.allowed, 'manage_settings') ? ['settings' as const] : []),
  ]
  const open = shown.find((x) => x === tab) ?? 'workspaces'
  const label = (x: (typeof shown)[number]) => (x === 'workspaces' ? workspaceNoun(s.service).many : t.tabs[x])
  return (
    <Tabs value={open} onChange={(next) => void navigate({ search: tabbed(shown.find((x) => x === next && x !== 'workspaces')), replace: true })} keepMounted={false}>
      <Tabs.List mb="md">{shown.map((x) => <Tabs.Tab key={x} value={x}>{label(x)}</Tabs.Tab>)}</Tabs.List>
      <Tabs.Panel value="users"><Users of={s} /></Tabs.Panel>
      <Tabs.Panel value="workspaces"><Workspaces of={s} /></Tabs.Panel>
      <Tabs.Panel value="groups"><Groups of={s} /></Tabs.Panel>
      <Tabs.Panel value="settings"><Settings of={s} /></Tabs.Panel>
    </Tabs>
  )
}
