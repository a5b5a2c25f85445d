import { get, query } from '../api/client'
import type { ListSubscriptionUsersResponseJson } from '../api/gen/pemba/portal/v1/subscriptions_pb'
import type { ListWorkspacesResponseJson } from '../api/gen/pemba/portal/v1/workspaces_pb'
import { atLeast, may, type Me } from '../api/me'
import { path } from '../api/portal/lists'
import { somePeople, userName } from '../api/portal/people'
import { memberName, serviceName } from '../api/portal/words'
import type { IconName } from '../components/Icon'

/** Found is something that the palette leads to. */
export type Found = { label: string; about: string; icon: IconName; href: string }

/** Finder looks for something by what was typed; it throws when it may not. */
export type Finder = (query: string, me: Me, signal: AbortSignal) => Promise<Found[]>

const object = /^[a-z0-9_/]+:[^\s#@]+$/

// Objects, whether they exist or not: the workbench asks about them.
const objects: Finder = (query, me) => {
  if (!object.test(query) || !atLeast(me.workbench, 'read')) return Promise.resolve([])
  const id = encodeURIComponent(query)
  return Promise.resolve([
    { label: `Relationships of ${query}`, about: 'Workbench', icon: 'relation', href: `/console/workbench/relationships?filter=${id}` },
    { label: `Check access to ${query}`, about: 'Workbench', icon: 'check', href: `/console/workbench/check?resource=${id}` },
    { label: `What can ${query} reach`, about: 'Workbench', icon: 'what', href: `/console/workbench/what?subject=${id}` },
  ])
}

const few = 6 // of each kind

const people: Finder = async (search, _, signal) =>
  (await somePeople(search, signal, few)).map((u) => ({ label: userName(u), about: u.email ?? '', icon: 'account', href: `/console/people/${encodeURIComponent(u.id ?? '')}` }))

/** usersOf finds those of one subscription, for whoever may list them and not all people. */
const usersOf = ({ id, service }: Me['services'][number]): Finder => async (search, _, signal) =>
  ((await get<ListSubscriptionUsersResponseJson>(path('subscriptions', id, 'users') + query({ search, 'paging.size': few }), { signal })).users ?? []).map(({ member: m }) => ({
    label: memberName(m), about: [m?.email, serviceName(service)].filter(Boolean).join(', '), icon: m?.group ? 'group' : 'account', href: `/console/services/${encodeURIComponent(id)}${query({ tab: 'users', search: m?.email || m?.name })}`,
  }))

/** workspacesOf finds those of one subscription. */
const workspacesOf = ({ id, service }: Me['services'][number]): Finder => async (search, _, signal) =>
  ((await get<ListWorkspacesResponseJson>(path('subscriptions', id, 'workspaces') + query({ search, 'paging.size': few }), { signal })).workspaces ?? []).map((w) => ({
    label: w.name ?? '', about: serviceName(service), icon: 'service', href: `/console/services/${encodeURIComponent(id)}/workspaces/${encodeURIComponent(w.id ?? '')}`,
  }))

/** find asks all finders at once, and keeps their order; one that is refused finds nothing. */
export async function find(search: string, me: Me, signal: AbortSignal): Promise<Found[]> {
  const where = (permission: string) => me.services.filter((s) => s.permissions.includes(permission))
  const whom = may(me, 'list_users') ? [people] : where('list_users').map(usersOf)
  const workspaces = where('access_portal').map(workspacesOf)
  return (await Promise.all([objects, ...whom, ...workspaces].map((f) => f(search, me, signal).catch(() => [])))).flat()
}
