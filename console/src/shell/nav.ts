import { atLeast, may, type Me } from '../api/me'
import type { IconName } from '../components/Icon'
import { texts } from '../lib/texts'
import type { AppRouter } from '../routes'

/** Path is an address of the console that exists and needs nothing more. */
export type Path = Exclude<keyof AppRouter['routesByPath'], `${string}$${string}`>

export type NavItem = {
  to: Path
  label: string
  icon: IconName
  /** keys open it: "g c". */
  keys?: string
  show: (me: Me) => boolean
}

/** NavGroup is a part of the rail; services says that the subscriptions follow. */
export type NavGroup = { label: string; items: NavItem[]; services?: boolean }

const w = texts.workbench.pages
const bench = (me: Me) => atLeast(me.workbench, 'read')
const managesGroups = (me: Me) => may(me, 'manage_groups') || me.services.some((s) => s.permissions.includes('manage_groups'))
const ops = (me: Me) => atLeast(me.operations, 'read')
const admin = (me: Me) => atLeast(me.operations, 'admin')

const groups: NavGroup[] = [
  {
    label: texts.common.groups.company,
    services: true,
    items: [
      { to: '/', label: texts.portal.pages.home, icon: 'home', keys: 'g h', show: (me) => !!me.person },
      { to: '/people', label: texts.company.pages.people, icon: 'people', keys: 'g p', show: (me) => may(me, 'list_users') },
      { to: '/groups', label: texts.company.pages.groups, icon: 'group', show: managesGroups },
      { to: '/administrators', label: texts.company.pages.administrators, icon: 'shield', show: (me) => may(me, 'list_users') },
      { to: '/settings', label: texts.company.pages.settings, icon: 'settings', show: (me) => may(me, 'manage_security_policies') || may(me, 'manage_identity_providers') },
      { to: '/audit', label: texts.company.pages.audit, icon: 'log', show: (me) => may(me, 'read_audit') },
    ],
  },
  {
    label: texts.common.groups.workbench,
    items: [
      { to: '/workbench/schema', label: w.schema, icon: 'schema', keys: 'g s', show: bench },
      { to: '/workbench/relationships', label: w.relationships, icon: 'relation', show: bench },
      { to: '/workbench/check', label: w.check, icon: 'check', show: bench },
      { to: '/workbench/who', label: w.who, icon: 'who', keys: 'g w', show: bench },
      { to: '/workbench/what', label: w.what, icon: 'what', show: bench },
      { to: '/workbench/sandbox', label: w.sandbox, icon: 'sandbox', show: bench },
      { to: '/workbench/watch', label: w.watch, icon: 'watch', show: bench },
    ],
  },
  {
    label: texts.common.groups.operations,
    items: [
      { to: '/ops/cluster', label: texts.operations.pages.cluster, icon: 'cluster', keys: 'g c', show: ops },
      { to: '/ops/backups', label: texts.operations.pages.backups, icon: 'backup', show: admin },
      { to: '/ops/runtime', label: texts.operations.pages.runtime, icon: 'runtime', show: admin },
    ],
  },
]

/** navigation is what somebody may open: a group without entries is not there. */
export function navigation(me: Me): NavGroup[] {
  return groups
    .map((g) => ({ ...g, items: g.items.filter((i) => i.show(me)) }))
    .filter((g) => g.items.length > 0)
}
