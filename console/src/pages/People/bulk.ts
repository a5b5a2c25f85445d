// Doing one thing to many people: piece by piece, so that it can be stopped, with the
// outcome of each.
export type Item = { id: string; name: string }
export type Outcome = { item: Item; reason: string }
export type Progress = { done: number; failed: Outcome[]; total: number; finished: boolean; stopped: boolean }

export const beginning = (total: number): Progress => ({ done: 0, failed: [], total, finished: total === 0, stopped: false })

/** pieces cuts a list into parts of at most size. */
export function pieces<T>(list: readonly T[], size: number): T[][] {
  const parts: T[][] = []
  for (let i = 0; i < list.length; i += size) parts.push(list.slice(i, i + size))
  return parts
}

/**
 * runAll does something to all items, size at a time, and tells how far it is. A part
 * that fails is done again item by item, so that one does not spoil the others.
 */
export async function runAll(items: readonly Item[], size: number, act: (part: Item[]) => Promise<unknown>, tell: (p: Progress) => void, signal: AbortSignal): Promise<Progress> {
  let progress = beginning(items.length)
  const note = (done: number, failed: Outcome[]) => {
    progress = { ...progress, done: progress.done + done, failed: [...progress.failed, ...failed] }
    tell(progress)
  }
  const parts = pieces(items, size)
  while (parts.length > 0 && !signal.aborted) {
    const part = parts.shift() ?? []
    try {
      await act(part)
      note(part.length, [])
    } catch (e) {
      const [only] = part
      if (part.length > 1) parts.unshift(...pieces(part, 1))
      else if (only) note(0, [{ item: only, reason: e instanceof Error ? e.message : String(e) }])
    }
  }
  progress = { ...progress, finished: true, stopped: signal.aborted && parts.length > 0 }
  tell(progress)
  return progress
}
