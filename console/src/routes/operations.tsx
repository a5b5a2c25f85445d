import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { shell } from './frame'

export const operationsRoutes = [
  createRoute({ getParentRoute: () => shell, path: 'ops/cluster', component: lazyRouteComponent(() => import('../pages/Cluster'), 'Cluster') }),
] as const
