import { Group, Tabs } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { may, useMe } from '../../api/me'
import type { UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { useUser, userName } from '../../api/portal/people'
import { can } from '../../api/portal/words'
import { Failure, Refused } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { Page, titleOf } from '../../components/Page'
import { WriteButton } from '../../components/WriteButton'
import { texts } from '../../lib/texts'
import { State } from '../People/columns'
import { Deactivate } from '../People/Deactivate'
import { EditPerson } from '../People/EditPerson'
import { useActions } from '../People/useActions'
import { Access } from './Access'
import { Activity } from './Activity'
import { Groups } from './Groups'
import { Profile } from './Profile'
import { SessionsTab } from './SessionsTab'

const t = texts.company
const route = getRouteApi('/shell/people/$id')

/** Person is one user of the company. */
export function Person() {
  const { id } = route.useParams()
  const me = useMe()
  const one = useUser(id)
  const menu = useActions()
  const u = one.data?.user
  return (
    <Page title={titleOf(one, u && userName(u), texts.portal.diagram.person)} about={u && <Group gap="xs"><TextLink to="/people">{t.pages.people}</TextLink><span>{u.email}</span><State of={u.state} /></Group>}
      actions={u && menu.actions(u).map((a) => <WriteButton key={a.label} variant="default" onClick={a.onClick} {...(a.label === t.people.deactivate && u.id === me.person?.id ? { reason: t.people.self } : {})}>{a.label}</WriteButton>)}>
      {menu.failure && <Failure {...menu.failure} />}
      {one.isPending && <Loading />}
      {one.isError && <Refused error={one.error} what={t.person.reading} permission="list_users" retry={one.refetch} />}
      {u && <Sections of={u} audit={may(me, 'read_audit')} />}
      <EditPerson user={menu.edited} onClose={menu.close} />
      <Deactivate user={menu.deactivated} onClose={menu.close} />
    </Page>
  )
}

function Sections({ of: u, audit }: { of: UserJson; audit: boolean }) {
  const { tab } = route.useSearch()
  const navigate = route.useNavigate()
  const shown = ['profile', 'access', 'groups', ...(can(u.allowed, 'edit') ? ['sessions' as const] : []), ...(audit ? ['activity' as const] : [])] as const
  const open = shown.find((x) => x === tab) ?? 'profile'
  const go = (next: string | null) => {
    const to = shown.find((x) => x === next)
    void navigate({ search: to && to !== 'profile' ? { tab: to } : {}, replace: true })
  }
  return (
    <Tabs value={open} onChange={go} keepMounted={false}>
      <Tabs.List mb="md">{shown.map((x) => <Tabs.Tab key={x} value={x}>{t.person.tabs[x]}</Tabs.Tab>)}</Tabs.List>
      <Tabs.Panel value="profile"><Profile of={u} /></Tabs.Panel>
      <Tabs.Panel value="access"><Access of={u} /></Tabs.Panel>
      <Tabs.Panel value="groups"><Groups of={u} /></Tabs.Panel>
      <Tabs.Panel value="sessions"><SessionsTab of={u} /></Tabs.Panel>
      <Tabs.Panel value="activity"><Activity of={u} /></Tabs.Panel>
    </Tabs>
  )
}
