import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { shell } from './frame'

export const operationsRoutes = [
  createRoute({ getParentRoute: () => shell, path: 'ops/cluster', component: lazyRouteComponent(() => import('../pages/Cluster'), 'Cluster') }),
  createRoute({ getParentRoute: () => shell, path: 'ops/nodes/$id', component: lazyRouteComponent(() => import('../pages/Node'), 'Node') }),
  createRoute({ getParentRoute: () => shell, path: 'ops/backups', component: lazyRouteComponent(() => import('../pages/Backups'), 'Backups') }),
  createRoute({ getParentRoute: () => shell, path: 'ops/runtime', component: lazyRouteComponent(() => import('../pages/Runtime'), 'Runtime') }),
] as const
