// Pages in a browser that is made of nothing but the answers of a server.
import { QueryClient } from '@tanstack/react-query'
import { createMemoryHistory } from '@tanstack/react-router'
import { render } from '@testing-library/react'
import { http, HttpResponse, type RequestHandler } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { App } from '../App'
import { prefer } from '../lib/preferences'
import { makeRouter } from '../routes'

/** answer makes a handler of one path; a status above 299 is a refusal. */
export const answer = (path: string, body: object, status = 200): RequestHandler =>
  http.all('*' + path, () => HttpResponse.json(body as Record<string, unknown>, { status, headers: { 'X-Request-Id': 'r-1' } }))

/** lines makes a handler of a stream. */
export const lines = (path: string, results: object[]): RequestHandler =>
  http.all('*' + path, () => new HttpResponse(results.map((result) => JSON.stringify({ result }) + '\n').join(''), { headers: { 'Content-Type': 'application/json' } }))

/** refused is a refusal of the API. */
export const refused = (code: number, message: string) => ({ code, message, details: [] })

const schema = {
  definitions: [
    { name: 'user', relations: [], permissions: [] },
    { name: 'model', relations: [{ name: 'editor', subjectTypes: [{ subjectDefinitionName: 'user', isTerminalSubject: true }] }], permissions: [{ name: 'edit' }] },
  ],
  caveats: [], readAt: { token: 't' },
}

/** What every page of the workbench asks, on a server without the portal. */
export const always: RequestHandler[] = [
  answer('/portal/v1/me', refused(5, 'Not Found'), 404),
  answer('/pemba/v1/cluster/status', { node: 'n1', members: [{ id: 'n1', name: 'n1' }] }),
  answer('/v1/schema/reflectschema', schema),
  answer('/pemba/v1/revisions/resolve', { token: { token: 't' }, revision: '42' }),
  lines('/v1/relationships/read', []), // suggestions of ids
]

/** serveWith answers the requests of a test file; what it does not know fails the test. */
export function serveWith(): { use: (...handlers: RequestHandler[]) => void } {
  const server = setupServer(...always)
  beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
  afterEach(() => server.resetHandlers())
  afterAll(() => server.close())
  return { use: (...handlers) => server.use(...handlers) }
}

/** visit opens an address of the console. Nothing has a height here, so tables show pages. */
export function visit(address: string) {
  prefer({ pages: true })
  const router = makeRouter()
  router.update({ ...router.options, history: createMemoryHistory({ initialEntries: ['/console' + address] }) })
  return render(<App client={new QueryClient({ defaultOptions: { queries: { retry: false } } })} router={router} />)
}
