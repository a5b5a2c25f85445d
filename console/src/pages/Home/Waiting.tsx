import { List, Text, Title } from '@mantine/core'
import { useCluster } from '../../api/cluster'
import { may, useMe } from '../../api/me'
import type { ListUsersResponseJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { path, usePaged } from '../../api/portal/lists'
import { useSubscriptions } from '../../api/portal/subscriptions'
import { can, serviceName } from '../../api/portal/words'
import { TextLink } from '../../components/links'
import { count } from '../../lib/format'
import { texts } from '../../lib/texts'
import { judge } from '../Cluster/health'

const t = texts.portal.home
const patience = 7 * 24 * 3600 * 1000 // milliseconds in which an invitation should be accepted

/** Waiting is what somebody has to look after: invitations that nobody accepts, subscriptions without an owner. */
export function Waiting() {
  const me = useMe()
  const invited = usePaged(path('users'), { state: 'USER_STATE_INVITED', order: 'created' }, (a: ListUsersResponseJson) => a.users, may(me, 'list_users'))
  const subscriptions = useSubscriptions().data?.subscriptions ?? []
  const late = invited.rows.filter((u) => invited.dataUpdatedAt - new Date(u.createdAt ?? 0).getTime() > patience).length
  const orphans = subscriptions.filter((s) => s.noActiveOwner && can(s.allowed, 'set_owner'))
  if (late === 0 && orphans.length === 0) return null
  // The oldest come first, so only where all of the page are late there may be more.
  const more = late === invited.rows.length && invited.hasNextPage
  return (
    <section aria-labelledby="home-waiting">
      <Title order={2} size="h4" mb="sm" id="home-waiting">{t.waiting}</Title>
      <List size="sm">
        {late > 0 && <List.Item><TextLink to="/people" search={{ state: 'USER_STATE_INVITED', order: 'created' }}>{t.late(count(late) + (more ? '+' : ''), late === 1)}</TextLink></List.Item>}
        {orphans.map((s) => <List.Item key={s.id}><TextLink to="/services/$sid" params={{ sid: s.id ?? '' }} search={{ tab: 'users' }}>{t.orphan(serviceName(s.service))}</TextLink></List.Item>)}
      </List>
    </section>
  )
}

/** ClusterLine says to operators how the cluster is. */
export function ClusterLine() {
  const status = useCluster()
  if (!status.data) return null
  return <Text size="sm"><TextLink to="/ops/cluster">{texts.operations.pages.cluster}</TextLink>: {judge(status.data).sentence}</Text>
}
