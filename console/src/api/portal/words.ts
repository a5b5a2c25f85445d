// Words for what the portal's API says by numbers and names.
import type { MemberJson, PersonJson, ServiceJson } from '../gen/pemba/portal/v1/common_pb'

const services: Record<ServiceJson, string> = {
  SERVICE_UNSPECIFIED: 'No service', SERVICE_MODELER: 'Modeler', SERVICE_AUTOMATION: 'Automation',
  SERVICE_STUDIO: 'Studio Collaboration', SERVICE_AI: 'Artificial Intelligence', SERVICE_BI: 'Business Insights',
}

export const serviceName = (s: ServiceJson | undefined): string => services[s ?? 'SERVICE_UNSPECIFIED']
export const allServices = (Object.keys(services) as ServiceJson[]).filter((s) => s !== 'SERVICE_UNSPECIFIED')

/** workspaceNoun is what a workspace of a service is called. */
export const workspaceNoun = (s: ServiceJson | undefined): { one: string; many: string } =>
  s === 'SERVICE_MODELER' ? { one: 'model', many: 'Models' } : { one: 'project', many: 'Projects' }

const roles: Record<string, { label: string; about: string }> = {
  administrator: { label: 'Administrator', about: 'manages the users of the company and everything in its services' },
  owner: { label: 'Owner', about: 'manages people and roles, and everything in it' },
  viewer: { label: 'Viewer', about: 'reads the subscription, its users and every workspace' },
  user: { label: 'User', about: 'is included, and may have roles on workspaces' },
  participant: { label: 'User', about: 'is included, and may have roles on workspaces' },
  direct_member: { label: 'Member', about: 'is in the group' },
  audience: { label: 'Audience', about: 'sees the diagram among the own processes' },
  editor: { label: 'Editor', about: 'reads, comments, edits and publishes' },
  developer: { label: 'Developer', about: 'reads and edits' },
  contributor: { label: 'Contributor', about: 'reads and comments' },
}

export const roleLabel = (r: string | undefined): string => (r ? (roles[r]?.label ?? r) : 'No role')
export const roleAbout = (r: string): string => roles[r]?.about ?? ''

export const personName = (p: PersonJson | undefined): string =>
  p ? [p.givenName, p.surname].filter(Boolean).join(' ') || (p.email ?? '') : ''

export const memberName = (m: MemberJson | undefined): string => m?.name || m?.email || memberId(m)
export const memberId = (m: MemberJson | undefined): string => m?.user ?? m?.group ?? m?.jobTitle ?? ''
/** memberKey tells members apart, whatever they are. */
export const memberKey = (m: MemberJson | undefined): string => (m?.user ? 'user:' : m?.group ? 'group:' : 'title:') + memberId(m)
export const memberKind = (m: MemberJson | undefined): string => (m?.group ? 'group' : m?.jobTitle ? 'job title' : '')

/** asMember leaves what requests take: the id alone. */
export const asMember = (m: MemberJson): MemberJson => (m.user ? { user: m.user } : m.group ? { group: m.group } : { jobTitle: m.jobTitle ?? '' })

export const can = (allowed: readonly string[] | undefined, permission: string): boolean => allowed?.includes(permission) ?? false
