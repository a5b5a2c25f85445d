import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { optional, text, type Search } from '../lib/search'
import { root } from './frame'

export const entryRoutes = [
  createRoute({
    getParentRoute: () => root,
    path: 'sign-in',
    validateSearch: (s: Search) => optional({ to: text(s, 'to'), failed: text(s, 'failed') }),
    component: lazyRouteComponent(() => import('../pages/SignIn'), 'SignIn'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: 'first-run',
    validateSearch: (s: Search) => optional({ failed: text(s, 'failed') }),
    component: lazyRouteComponent(() => import('../pages/FirstRun'), 'FirstRun'),
  }),
  createRoute({ getParentRoute: () => root, path: 'invite/$token', component: lazyRouteComponent(() => import('../pages/Invite'), 'Invite') }),
] as const
