import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { oneOf, optional, text, type Search } from '../lib/search'
import { readAudit } from '../pages/Audit/filter'
import { readFilter } from '../pages/People/filter'
import { readRoles } from '../pages/Roles/filter'
import { shell } from './frame'

export const companyRoutes = [
  createRoute({
    getParentRoute: () => shell,
    path: 'people',
    validateSearch: readFilter,
    component: lazyRouteComponent(() => import('../pages/People'), 'People'),
  }),
  createRoute({
    getParentRoute: () => shell,
    path: 'people/$id',
    validateSearch: (s: Search) => optional({ tab: oneOf(s, 'tab', ['access', 'groups', 'sessions', 'activity']) }),
    component: lazyRouteComponent(() => import('../pages/Person'), 'Person'),
  }),
  createRoute({ getParentRoute: () => shell, path: 'groups', validateSearch: (s: Search) => optional({ search: text(s, 'search') }), component: lazyRouteComponent(() => import('../pages/Groups'), 'Groups') }),
  createRoute({
    getParentRoute: () => shell,
    path: 'groups/$id',
    validateSearch: (s: Search) => optional({ tab: oneOf(s, 'tab', ['uses', 'effective']) }),
    component: lazyRouteComponent(() => import('../pages/Group'), 'Group'),
  }),
  createRoute({ getParentRoute: () => shell, path: 'administrators', component: lazyRouteComponent(() => import('../pages/Administrators'), 'Administrators') }),
  createRoute({ getParentRoute: () => shell, path: 'roles', validateSearch: readRoles, component: lazyRouteComponent(() => import('../pages/Roles'), 'Roles') }),
  createRoute({ getParentRoute: () => shell, path: 'people/import', component: lazyRouteComponent(() => import('../pages/Import'), 'Import') }),
  createRoute({ getParentRoute: () => shell, path: 'audit', validateSearch: readAudit, component: lazyRouteComponent(() => import('../pages/Audit'), 'Audit') }),
  createRoute({
    getParentRoute: () => shell,
    path: 'settings',
    validateSearch: (s: Search) => optional({ tab: oneOf(s, 'tab', ['policies', 'authenticators', 'clients']) }),
    component: lazyRouteComponent(() => import('../pages/Settings'), 'Settings'),
  }),
  createRoute({
    getParentRoute: () => shell,
    path: 'me',
    validateSearch: (s: Search) => optional({ tab: oneOf(s, 'tab', ['profile', 'password', 'sessions', 'tokens', 'settings']) }),
    component: lazyRouteComponent(() => import('../pages/Me'), 'Me'),
  }),
] as const
