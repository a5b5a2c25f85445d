import type { ReactNode } from 'react'

/** ScrollBox lets what is wide be scrolled sideways, by keyboard too. */
export function ScrollBox({ label, children }: { label: string; children: ReactNode }) {
  // What scrolls must be reached by keyboard.
  // eslint-disable-next-line jsx-a11y-x/no-noninteractive-tabindex
  return <div className="app-scroll-box" role="region" aria-label={label} tabIndex={0}>{children}</div>
}
