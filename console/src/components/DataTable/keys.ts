import { useRef, useState, type KeyboardEvent, type RefObject } from 'react'
import { preferences } from '../../lib/preferences'

type Keys = {
  count: number
  scroller: RefObject<HTMLDivElement | null>
  scrollTo: (index: number) => void
  onOpen: (index: number) => void
  onToggle: (index: number) => void
}

/** patience is how many frames a row has to be drawn that was scrolled to. */
const patience = 60

/** useRowKeys moves the focus among rows and acts on the one that has it. */
export function useRowKeys(k: Keys) {
  const [active, setShown] = useState(0)
  const current = useRef(0) // is ahead of what is drawn: keys may come faster
  const rowAt = (i: number) => k.scroller.current?.querySelector<HTMLElement>(`[role=row][data-index="${i}"]`)
  const setActive = (index: number) => {
    current.current = index
    setShown(index)
  }
  const focus = (index: number, frames = patience) => requestAnimationFrame(() => {
    const row = rowAt(index)
    if (current.current !== index) return
    if (row) row.focus({ preventScroll: false })
    else if (frames > 0) focus(index, frames - 1)
  })
  const go = (to: number) => {
    const index = Math.min(Math.max(to, 0), k.count - 1)
    setActive(index)
    k.scrollTo(index)
    focus(index)
  }
  const onKeyDown = (e: KeyboardEvent) => {
    const target = e.target as HTMLElement
    const onMenu = 'rowMenu' in target.dataset
    const onRow = target.getAttribute('role') === 'row' || onMenu
    if ((!onRow && target !== k.scroller.current) || e.ctrlKey || e.metaKey || e.altKey || k.count === 0) return
    const single = preferences().singleKeys
    const at = onRow ? Math.min(current.current, k.count - 1) : -1
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: k.count - 1 }
    if (single) Object.assign(moves, { j: at + 1, k: at - 1 })
    const to = moves[e.key]
    if (to !== undefined) go(to)
    else if (onRow && !onMenu && e.key === 'Enter') k.onOpen(at)
    else if (onRow && single && e.key === 'x') k.onToggle(at)
    else if (onRow && single && e.key === '.') rowAt(at)?.querySelector<HTMLElement>('[data-row-menu]')?.click()
    else return
    e.preventDefault()
  }
  return { active: Math.min(active, Math.max(k.count - 1, 0)), setActive, onKeyDown }
}
