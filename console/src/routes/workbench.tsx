import { createRoute, lazyRouteComponent, type AsyncRouteComponent } from '@tanstack/react-router'
import { atLeast, useMe } from '../api/me'
import { NotAllowed } from '../components/Empty'
import { Page } from '../components/Page'
import { flag, oneOf, optional, text, type Search } from '../lib/search'
import { texts } from '../lib/texts'
import { shell } from './frame'

const lookup = (s: Search) => optional({
  resource: text(s, 'resource'), permission: text(s, 'permission'), subject: text(s, 'subject'),
  context: text(s, 'context'), at: text(s, 'at'), vs: text(s, 'vs'), vsAt: text(s, 'vsAt'),
})

const t = texts.workbench

/** forReaders shows a page to those who may look at the engine, and tells the others what they lack before they fill in anything. */
function forReaders(title: string, Inner: AsyncRouteComponent<object>): AsyncRouteComponent<object> {
  const Gate = () => (atLeast(useMe().workbench, 'read') ? <Inner /> : <Page title={title}><NotAllowed permission={t.permission} who={t.grantor} /></Page>)
  return Object.assign(Gate, Inner.preload ? { preload: Inner.preload } : {})
}

/** workbenchRoutes are the pages for those who work with the engine itself. */
export const workbenchRoutes = [
  createRoute({ getParentRoute: () => shell, path: 'workbench/schema', component: forReaders(t.pages.schema, lazyRouteComponent(() => import('../pages/Schema'), 'Schema')) }),
  createRoute({
    getParentRoute: () => shell,
    path: 'workbench/check',
    validateSearch: (s: Search) => optional({
      resource: text(s, 'resource'), permission: text(s, 'permission'), subject: text(s, 'subject'),
      context: text(s, 'context'), at: text(s, 'at'), view: oneOf(s, 'view', ['tree', 'graph', 'raw']),
    }),
    component: forReaders(t.pages.check, lazyRouteComponent(() => import('../pages/Check'), 'Check')),
  }),
  createRoute({
    getParentRoute: () => shell,
    path: 'workbench/relationships',
    validateSearch: (s: Search) => optional({ filter: text(s, 'filter') }),
    component: forReaders(t.pages.relationships, lazyRouteComponent(() => import('../pages/Relationships'), 'Relationships')),
  }),
  createRoute({
    getParentRoute: () => shell,
    path: 'workbench/sandbox',
    validateSearch: (s: Search) => optional({ new: flag(s, 'new') }),
    component: forReaders(t.pages.sandbox, lazyRouteComponent(() => import('../pages/Sandbox'), 'Sandbox')),
  }),
  createRoute({ getParentRoute: () => shell, path: 'workbench/who', validateSearch: lookup, component: forReaders(t.pages.who, lazyRouteComponent(() => import('../pages/Who'), 'Who')) }),
  createRoute({ getParentRoute: () => shell, path: 'workbench/what', validateSearch: lookup, component: forReaders(t.pages.what, lazyRouteComponent(() => import('../pages/What'), 'What')) }),
  createRoute({
    getParentRoute: () => shell,
    path: 'workbench/watch',
    validateSearch: (s: Search) => optional({ filter: text(s, 'filter') }),
    component: forReaders(t.pages.watch, lazyRouteComponent(() => import('../pages/Watch'), 'Watch')),
  }),
] as const
