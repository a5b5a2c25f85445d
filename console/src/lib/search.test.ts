import { createMemoryHistory, createRootRoute, createRoute, createRouter } from '@tanstack/react-router'
import { expect, test } from 'vitest'
import { oneOf, optional, text, type Search } from './search'

/** searchOf is what a page gets of an address. */
async function searchOf(address: string): Promise<unknown> {
  const root = createRootRoute()
  const page = createRoute({ getParentRoute: () => root, path: 'page', validateSearch: (s: Search) => optional({ tab: oneOf(s, 'tab', ['a', 'b']), search: text(s, 'search') }) })
  const router = createRouter({ routeTree: root.addChildren([page]), history: createMemoryHistory({ initialEntries: [address] }) })
  await router.load()
  return router.state.matches.at(-1)?.search
}

test('a page gets of an address what it understands', async () => {
  expect(await searchOf('/page?tab=b&search=7')).toEqual({ tab: 'b', search: '7' })
  expect(await searchOf('/page?tab=c&search=')).toEqual({})
})
