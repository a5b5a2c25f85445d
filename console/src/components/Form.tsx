import type { KeyboardEvent, ReactNode } from 'react'
import { Paper } from '@mantine/core'

/** Form is sent by its button, by Enter in a field, and by Ctrl+Enter anywhere in it. */
export function Form({ onSubmit, card = false, children }: { onSubmit: () => unknown; card?: boolean; children: ReactNode }) {
  const onKeyDown = (e: KeyboardEvent<HTMLElement>) => {
    if (e.key !== 'Enter' || !(e.ctrlKey || e.metaKey)) return
    e.preventDefault()
    onSubmit()
  }
  return (
    <Paper component="form" noValidate withBorder={card} {...(card ? { p: 'md' } : { bg: 'transparent' })} onKeyDown={onKeyDown} onSubmit={(e) => { e.preventDefault(); onSubmit() }}>
      {children}
    </Paper>
  )
}
