import { useSyncExternalStore } from 'react'

/** Preferences are of this browser. */
export type Preferences = {
  /** singleKeys is whether keys without Ctrl are shortcuts. */
  singleKeys: boolean
  /** pages shows long tables page by page, for those who search with the browser. */
  pages: boolean
}

const key = 'pemba.preferences'
const defaults: Preferences = { singleKeys: true, pages: false }
const listeners = new Set<() => void>()
let current = read()

function read(): Preferences {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? '{}')
    return typeof kept === 'object' && kept !== null ? { ...defaults, ...kept } : defaults
  } catch {
    return defaults
  }
}

export function prefer(change: Partial<Preferences>): void {
  current = { ...current, ...change }
  try {
    localStorage.setItem(key, JSON.stringify(current))
  } catch {
    // storage is off: until the page is loaded again
  }
  for (const f of listeners) f()
}

export const preferences = (): Preferences => current

function subscribe(f: () => void): () => void {
  listeners.add(f)
  return () => listeners.delete(f)
}

export const usePreferences = (): Preferences => useSyncExternalStore(subscribe, preferences)
