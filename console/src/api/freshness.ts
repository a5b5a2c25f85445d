import type { ConsistencyJson } from './gen/authzed/api/v1/permission_service_pb'

// The newest write of this browser tab: reads ask for at least this, so that
// people see their own changes on whatever node answers.
const key = 'pemba.token'
let newest = read()

function read(): string {
  try {
    return sessionStorage.getItem(key) ?? ''
  } catch {
    return '' // storage is off: the tab remembers until it is loaded again
  }
}

export const newestToken = (): string => newest

export function remember(token: string): void {
  newest = token
  try {
    sessionStorage.setItem(key, token)
  } catch {
    return
  }
}

export function forget(): void {
  newest = ''
  try {
    sessionStorage.removeItem(key)
  } catch {
    return
  }
}

/** consistency of a read: of everything, or of at least what this tab wrote. */
export function consistency(full = false): ConsistencyJson {
  if (full) return { fullyConsistent: true }
  return newest ? { atLeastAsFresh: { token: newest } } : { minimizeLatency: true }
}

/** learn keeps the token of an answer to a change. */
export function learn(answer: unknown): void {
  if (typeof answer !== 'object' || answer === null) return
  for (const field of ['writtenAt', 'deletedAt'] as const) {
    const at = (answer as Record<string, unknown>)[field]
    if (typeof at === 'object' && at !== null && 'token' in at && typeof at.token === 'string' && at.token) remember(at.token)
  }
}
