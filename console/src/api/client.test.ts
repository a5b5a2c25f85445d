import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { get, post, query, stream } from './client'
import { ApiError } from './errors'
import { consistency, forget, newestToken } from './freshness'
import { hasEnded, sessionBegan } from './session'

const server = setupServer()
beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
afterEach(() => {
  server.resetHandlers()
  forget()
  sessionBegan()
})
afterAll(() => server.close())
const base = 'http://127.0.0.1'

async function failure(p: Promise<unknown>): Promise<ApiError> {
  return p.then(() => { throw new Error('it did not fail') }, (e: unknown) => { if (e instanceof ApiError) return e; throw e })
}

test('a refusal has the code, the reason and the request id', async () => {
  server.use(http.get(base + '/x', () => HttpResponse.json(
    { code: 9, message: 'no', details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'WHY', metadata: { a: 'b' } }, { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.5s' }] },
    { status: 400, headers: { 'X-Request-Id': 'r1' } })))
  const e = await failure(get(base + '/x'))
  expect(e).toMatchObject({ code: 'FAILED_PRECONDITION', message: 'no', reason: 'WHY', metadata: { a: 'b' }, requestId: 'r1', retryAfter: 1.5 })
})

test('a stream that did not begin is refused as any call is', async () => {
  server.use(http.post(base + '/s', () => HttpResponse.json({ error: { code: 16, message: 'who?' } }, { status: 401, headers: { 'X-Request-Id': 'r1' } })))
  expect(await failure(stream('POST', base + '/s', {}).next())).toMatchObject({ code: 'UNAUTHENTICATED', message: 'who?', requestId: 'r1' })
  expect(hasEnded()).toBe(true)
})

test('what comes from a proxy is an error, too', async () => {
  server.use(http.get(base + '/x', () => new HttpResponse('<html>', { status: 502, statusText: 'Bad Gateway' })))
  expect(await failure(get(base + '/x'))).toMatchObject({ code: 'UNKNOWN', message: '502 Bad Gateway' })
})

test('a server that is not there is unavailable', async () => {
  server.use(http.get(base + '/x', () => HttpResponse.error()))
  expect(await failure(get(base + '/x'))).toMatchObject({ code: 'UNAVAILABLE' })
})

test('a session that is over is noticed', async () => {
  server.use(http.get(base + '/x', () => HttpResponse.json({ code: 16, message: 'who?' }, { status: 401 })))
  await failure(get(base + '/x'))
  expect(hasEnded()).toBe(true)
})

test('the newest write is what reads ask for', async () => {
  server.use(http.post(base + '/w', () => HttpResponse.json({ writtenAt: { token: 't1' } })))
  expect(consistency()).toEqual({ minimizeLatency: true })
  await post(base + '/w', {})
  expect(newestToken()).toBe('t1')
  expect(consistency()).toEqual({ atLeastAsFresh: { token: 't1' } })
  expect(consistency(true)).toEqual({ fullyConsistent: true })
})

test('a stream is read line by line, wherever it is cut, and ends with its error', async () => {
  const parts = ['{"result":{"n":1}}\n{"res', 'ult":{"n":2}}\n', '{"error":{"code":8,"message":"enough"}}\n']
  server.use(http.post(base + '/s', () => new HttpResponse(new ReadableStream<Uint8Array>({
    start(c) {
      for (const p of parts) c.enqueue(new TextEncoder().encode(p))
      c.close()
    },
  }))))
  const got: number[] = []
  const e = await failure((async () => { for await (const m of stream<{ n: number }>('POST', base + '/s', {})) got.push(m.n) })())
  expect(got).toEqual([1, 2])
  expect(e).toMatchObject({ code: 'RESOURCE_EXHAUSTED', message: 'enough' })
})

test('an address has no empty parts', () => {
  expect(query({ a: 'x y', b: '', c: undefined, d: false, e: 2 })).toBe('?a=x+y&e=2')
  expect(query({})).toBe('')
})
