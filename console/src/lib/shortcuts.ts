import { useEffect, useEffectEvent } from 'react'
import { preferences } from './preferences'

/** Shortcuts are actions by key: "?", "/", or two in a row: "g c". */
export type Shortcuts = Record<string, () => void>

const typing = 'input, textarea, select, [contenteditable=true], [role=textbox], .cm-editor'
const patience = 1500 // milliseconds between the two keys of a pair

/** useShortcuts listens on the whole page, but not where people type, nor under dialogs. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const act = useEffectEvent((key: string): boolean => {
    const f = shortcuts[key]
    f?.()
    return f !== undefined
  })
  useEffect(() => {
    let first = ''
    let at = 0
    const onKey = (e: KeyboardEvent) => {
      const target = e.target instanceof Element ? e.target : document.body
      if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || !preferences().singleKeys) return
      if (target.closest(typing) || document.querySelector('[role=dialog][aria-modal=true]')) return
      const pair = first && e.timeStamp - at < patience ? `${first} ${e.key}` : ''
      first = ''
      if ((pair && act(pair)) || act(e.key)) {
        e.preventDefault()
      } else if (e.key === 'g') {
        first = e.key
        at = e.timeStamp
      }
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}
