import { oneOf, optional, text, type Search } from '../../lib/search'

/** readService understands the address of a service: the tab, and what its list is limited to. */
export const readService = (s: Search) => optional({
  tab: oneOf(s, 'tab', ['users', 'workspaces', 'groups', 'settings']), search: text(s, 'search'), role: oneOf(s, 'role', ['owner', 'viewer', 'user']),
  show: oneOf(s, 'show', ['mine', 'inactive']), order: oneOf(s, 'order', ['-name', 'changed', '-changed']),
})
