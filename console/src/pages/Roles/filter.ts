import { oneOf, optional, text, type Search } from '../../lib/search'

/** roles are those that people can be listed by; the names are the API's. */
export const roles = ['administrator', 'subscription_owner', 'subscription_viewer', 'user', 'workspace_owner', 'editor', 'developer', 'contributor'] as const
const services = ['SERVICE_MODELER', 'SERVICE_AUTOMATION', 'SERVICE_STUDIO', 'SERVICE_AI', 'SERVICE_BI'] as const

/** readRoles understands the address of the page. */
export const readRoles = (s: Search) => optional({ role: oneOf(s, 'role', roles), service: oneOf(s, 'service', services), search: text(s, 'search') })
