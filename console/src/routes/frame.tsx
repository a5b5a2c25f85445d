import { createRootRoute, createRoute } from '@tanstack/react-router'
import { Shell } from '../shell/Shell'

export const root = createRootRoute()

/** shell is around every page that needs to know who uses it. */
export const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: Shell })
