import type { ReactNode } from 'react'

/** ScrollBox lets what is wide be scrolled sideways, by keyboard too; low: and what is long downwards, so that what follows stays in view. */
export function ScrollBox({ label, low = false, children }: { label: string; low?: boolean; children: ReactNode }) {
  // What scrolls must be reached by keyboard.
  // eslint-disable-next-line jsx-a11y-x/no-noninteractive-tabindex
  return <div className={low ? 'app-scroll-box app-scroll-low' : 'app-scroll-box'} role="region" aria-label={label} tabIndex={0}>{children}</div>
}
