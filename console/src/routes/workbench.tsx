/** workbenchRoutes are the pages for those who work with the engine itself. */
export const workbenchRoutes = [] as const
