// The map of the console. Each area has its file; a page that is not written yet
// has no route, and nothing leads to it.
import { createRoute, createRouter } from '@tanstack/react-router'
import { shell, root } from './routes/frame'
import { companyRoutes } from './routes/company'
import { entryRoutes } from './routes/entry'
import { operationsRoutes } from './routes/operations'
import { portalRoutes } from './routes/portal'
import { workbenchRoutes } from './routes/workbench'
import { NotFound, PageBroken } from './shell/Trouble'

const anything = createRoute({ getParentRoute: () => shell, path: '$', component: NotFound })

const tree = root.addChildren([...entryRoutes, shell.addChildren([...portalRoutes, ...companyRoutes, ...workbenchRoutes, ...operationsRoutes, anything])])

export function makeRouter() {
  return createRouter({
    routeTree: tree,
    basepath: '/console',
    defaultPreload: 'intent',
    scrollRestoration: true,
    defaultErrorComponent: PageBroken,
    defaultNotFoundComponent: NotFound,
  })
}

export type AppRouter = ReturnType<typeof makeRouter>

declare module '@tanstack/react-router' {
  interface Register {
    router: AppRouter
  }
}
