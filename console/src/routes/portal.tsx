import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { shell } from './frame'

export const portalRoutes = [
  createRoute({ getParentRoute: () => shell, path: '/', component: lazyRouteComponent(() => import('../pages/Start'), 'Start') }),
] as const
