// The one file that fetches. Every other file calls get, post and so on of it,
// through the hooks beside it.
import { ApiError, offline, type Status } from './errors'
import { learn, newestToken } from './freshness'
import { sessionEnded } from './session'

export type Options = { signal?: AbortSignal; headers?: Record<string, string> }
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Query = Record<string, string | number | boolean | undefined>

/** query makes the part of an address after the "?"; what is empty is left out. */
export function query(values: Query): string {
  const parts = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '' && value !== false) parts.set(name, String(value))
  }
  const text = parts.toString()
  return text ? '?' + text : ''
}

async function send(method: Method, path: string, body: unknown, o: Options): Promise<Response> {
  const headers: Record<string, string> = { ...o.headers }
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  const token = newestToken()
  if (token && path.startsWith('/portal/')) headers['Pemba-At-Least'] = token
  const init: RequestInit = { method, headers, credentials: 'same-origin' }
  if (body !== undefined) init.body = typeof body === 'string' ? body : JSON.stringify(body)
  if (o.signal) init.signal = o.signal
  let answer: Response
  try {
    answer = await fetch(path, init)
  } catch (e) {
    if (o.signal?.aborted) throw e
    throw offline()
  }
  if (!answer.ok) throw await refusal(answer)
  return answer
}

async function refusal(answer: Response): Promise<ApiError> {
  let status: Status = { code: 2, message: `${answer.status} ${answer.statusText}` }
  try {
    const body = (await answer.json()) as Status & { error?: Status }
    status = body.error ?? body // a stream that did not begin is refused as it would end
  } catch {
    // not from the API: a proxy between
  }
  const e = new ApiError(status, answer.headers.get('X-Request-Id') ?? '', answer.status)
  if (e.code === 'UNAUTHENTICATED') sessionEnded()
  return e
}

async function call<T>(method: Method, path: string, body: unknown, o: Options): Promise<T> {
  const answer = await send(method, path, body, o)
  const value = (await answer.json()) as T
  learn(value)
  return value
}

export const get = <T>(path: string, o: Options = {}): Promise<T> => call<T>('GET', path, undefined, o)
export const post = <T>(path: string, body: unknown, o: Options = {}): Promise<T> => call<T>('POST', path, body, o)
export const put = <T>(path: string, body: unknown, o: Options = {}): Promise<T> => call<T>('PUT', path, body, o)
export const patch = <T>(path: string, body: unknown, o: Options = {}): Promise<T> => call<T>('PATCH', path, body, o)
export const del = <T>(path: string, o: Options = {}): Promise<T> => call<T>('DELETE', path, undefined, o)

/** postLines sends a stream of messages, one a line, and waits for the answer. */
export const postLines = <T>(path: string, messages: unknown[], o: Options = {}): Promise<T> =>
  call<T>('POST', path, messages.map((m) => JSON.stringify(m)).join('\n'), o)

type Line<T> = { result?: T; error?: Status }

/**
 * stream yields the messages of a streaming call: one {"result": …} or
 * {"error": …} a line. Leaving the loop, or the signal, ends the call.
 */
export async function* stream<T>(method: 'GET' | 'POST', path: string, body: unknown, o: Options = {}): AsyncGenerator<T> {
  const answer = await send(method, path, body, o)
  const id = answer.headers.get('X-Request-Id') ?? ''
  if (!answer.body) return
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      const lines = (rest + (value ?? '')).split('\n')
      rest = done ? '' : (lines.pop() ?? '')
      for (const line of lines) {
        if (line.trim() === '') continue
        const message = JSON.parse(line) as Line<T>
        if (message.error) throw new ApiError(message.error, id, answer.status)
        if (message.result !== undefined) yield message.result
      }
      if (done) return
    }
  } catch (e) {
    if (e instanceof TypeError && !o.signal?.aborted) throw offline() // the connection broke
    throw e
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
