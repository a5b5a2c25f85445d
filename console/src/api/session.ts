// Whether the session has ended while pages were open. A small store, as the
// fetcher finds out and the shell shows it.
const listeners = new Set<() => void>()
let ended = false

function set(value: boolean): void {
  if (ended === value) return
  ended = value
  for (const f of listeners) f()
}

export const sessionEnded = (): void => set(true)
export const sessionBegan = (): void => set(false)
export const hasEnded = (): boolean => ended

export function onSession(f: () => void): () => void {
  listeners.add(f)
  return () => listeners.delete(f)
}
