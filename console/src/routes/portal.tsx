import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { oneOf, optional, type Search } from '../lib/search'
import { readService } from '../pages/Service/filter'
import { shell } from './frame'

export const portalRoutes = [
  createRoute({ getParentRoute: () => shell, path: '/', component: lazyRouteComponent(() => import('../pages/Home'), 'Home') }),
  createRoute({
    getParentRoute: () => shell,
    path: 'services/$sid',
    validateSearch: readService,
    component: lazyRouteComponent(() => import('../pages/Service'), 'Service'),
  }),
  createRoute({
    getParentRoute: () => shell,
    path: 'services/$sid/workspaces/$wid',
    validateSearch: (s: Search) => optional({ tab: oneOf(s, 'tab', ['overview', 'access', 'diagrams', 'activity']) }),
    component: lazyRouteComponent(() => import('../pages/Workspace'), 'Workspace'),
  }),
] as const
