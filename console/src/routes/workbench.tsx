import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { defined, flag, oneOf, text, type Search } from '../lib/search'
import { shell } from './frame'

const lookup = (s: Search) => defined({
  resource: text(s, 'resource'), permission: text(s, 'permission'), subject: text(s, 'subject'),
  context: text(s, 'context'), at: text(s, 'at'), vs: text(s, 'vs'), vsAt: text(s, 'vsAt'),
})

/** workbenchRoutes are the pages for those who work with the engine itself. */
export const workbenchRoutes = [
  createRoute({ getParentRoute: () => shell, path: 'workbench/schema', component: lazyRouteComponent(() => import('../pages/Schema'), 'Schema') }),
  createRoute({
    getParentRoute: () => shell,
    path: 'workbench/check',
    validateSearch: (s: Search) => defined({
      resource: text(s, 'resource'), permission: text(s, 'permission'), subject: text(s, 'subject'),
      context: text(s, 'context'), at: text(s, 'at'), view: oneOf(s, 'view', ['tree', 'graph', 'raw']),
    }),
    component: lazyRouteComponent(() => import('../pages/Check'), 'Check'),
  }),
  createRoute({
    getParentRoute: () => shell,
    path: 'workbench/relationships',
    validateSearch: (s: Search) => defined({ filter: text(s, 'filter') }),
    component: lazyRouteComponent(() => import('../pages/Relationships'), 'Relationships'),
  }),
  createRoute({
    getParentRoute: () => shell,
    path: 'workbench/sandbox',
    validateSearch: (s: Search) => defined({ new: flag(s, 'new') }),
    component: lazyRouteComponent(() => import('../pages/Sandbox'), 'Sandbox'),
  }),
  createRoute({ getParentRoute: () => shell, path: 'workbench/who', validateSearch: lookup, component: lazyRouteComponent(() => import('../pages/Who'), 'Who') }),
  createRoute({ getParentRoute: () => shell, path: 'workbench/what', validateSearch: lookup, component: lazyRouteComponent(() => import('../pages/What'), 'What') }),
  createRoute({
    getParentRoute: () => shell,
    path: 'workbench/watch',
    validateSearch: (s: Search) => defined({ filter: text(s, 'filter') }),
    component: lazyRouteComponent(() => import('../pages/Watch'), 'Watch'),
  }),
] as const
