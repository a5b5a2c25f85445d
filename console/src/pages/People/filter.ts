import { oneOf, optional, text, type Search } from '../../lib/search'

const states = ['USER_STATE_INVITED', 'USER_STATE_ACTIVE', 'USER_STATE_DEACTIVATED'] as const
const services = ['SERVICE_MODELER', 'SERVICE_AUTOMATION', 'SERVICE_STUDIO', 'SERVICE_AI', 'SERVICE_BI'] as const

/** readFilter understands the address of the list of people; what makes no sense is left out. */
export const readFilter = (s: Search) => optional({
  search: text(s, 'search'), state: oneOf(s, 'state', states), service: oneOf(s, 'service', services),
  role: oneOf(s, 'role', ['administrator', 'owner', 'viewer']), order: text(s, 'order'),
})
