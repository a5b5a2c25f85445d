import { useEffect, useId, useRef, useState, type ReactNode } from 'react'
import { ActionIcon } from '@mantine/core'
import { Icon, type IconName } from './Icon'

/** Disclosure is a button that shows a small panel below it; Escape, or a press elsewhere, closes it. */
export function Disclosure({ label, icon, children }: { label: string; icon: IconName; children: (close: () => void) => ReactNode }) {
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  const id = useId()
  const close = () => {
    setOpen(false)
    document.getElementById(id)?.focus()
  }
  useEffect(() => {
    if (!open) return
    const outside = (e: Event) => {
      if (e.target instanceof Node && !box.current?.contains(e.target)) setOpen(false)
    }
    document.addEventListener('pointerdown', outside)
    document.addEventListener('focusin', outside)
    return () => {
      document.removeEventListener('pointerdown', outside)
      document.removeEventListener('focusin', outside)
    }
  }, [open])
  return (
    <div ref={box} className="app-disclosure">
      <ActionIcon id={id} variant="subtle" color="gray" size="lg" aria-label={label} title={label} aria-expanded={open} onClick={() => setOpen(!open)}><Icon name={icon} /></ActionIcon>
      {open && (
        // Escape is taken here so that it closes this layer alone.
        // eslint-disable-next-line jsx-a11y-x/no-static-element-interactions
        <div className="app-panel" onKeyDown={(e) => { if (e.key === 'Escape') { e.stopPropagation(); close() } }}>{children(close)}</div>
      )}
    </div>
  )
}
