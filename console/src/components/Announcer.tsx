import { useSyncExternalStore } from 'react'
import { VisuallyHidden } from '@mantine/core'
import { toast } from './toast'

// The two live regions of the console: one waits for its turn, one does not.
let polite = ''
let assertive = ''
const listeners = new Set<() => void>()
const changed = () => listeners.forEach((f) => f())
const subscribe = (f: () => void) => {
  listeners.add(f)
  return () => listeners.delete(f)
}

/** announce says something to screen readers when they have a moment: counts, "saved". */
export function announce(text: string): void {
  polite = text
  changed()
}

/** alarm says it at once: an error that shows nowhere near the focus. */
export function alarm(text: string): void {
  assertive = text
  changed()
}

/** saved shows for a moment that something is done, and announces it. */
export function saved(text: string): void {
  toast(text)
  announce(text)
}

export function Announcer() {
  const calm = useSyncExternalStore(subscribe, () => polite)
  const urgent = useSyncExternalStore(subscribe, () => assertive)
  return (
    <VisuallyHidden>
      <div aria-live="polite" aria-atomic="true">{calm}</div>
      <div aria-live="assertive" aria-atomic="true">{urgent}</div>
    </VisuallyHidden>
  )
}
