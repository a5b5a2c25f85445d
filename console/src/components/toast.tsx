import { useSyncExternalStore } from 'react'

type Toast = { id: number; text: string }
const stay = 4000 // milliseconds
let toasts: readonly Toast[] = []
let last = 0
const listeners = new Set<() => void>()

function set(next: readonly Toast[]): void {
  toasts = next
  for (const f of listeners) f()
}

/** toast shows a text for a moment; saved of Announcer says it to screen readers, too. */
export function toast(text: string): void {
  const id = ++last
  set([...toasts, { id, text }])
  setTimeout(() => set(toasts.filter((t) => t.id !== id)), stay)
}

function subscribe(f: () => void): () => void {
  listeners.add(f)
  return () => listeners.delete(f)
}

export function Toasts() {
  const all = useSyncExternalStore(subscribe, () => toasts)
  // The live region of Announcer speaks; this is for the eyes.
  return <div className="app-toasts" aria-hidden>{all.map((t) => <div key={t.id} className="app-toast">{t.text}</div>)}</div>
}
