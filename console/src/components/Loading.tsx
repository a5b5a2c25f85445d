import { useEffect, useState, type ReactNode } from 'react'
import { Skeleton, Stack, VisuallyHidden } from '@mantine/core'
import { texts } from '../lib/texts'

const patience = 200 // milliseconds before a skeleton shows

/** Loading shows the shape of what comes, if it does not come at once. */
export function Loading({ rows = 6, height = 36, label = texts.common.loading, children }: { rows?: number; height?: number; label?: string; children?: ReactNode }) {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), patience)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div aria-busy="true">
      <VisuallyHidden role="status">{label}</VisuallyHidden>
      {late && (children ?? (
        <Stack gap={8} aria-hidden>
          {Array.from({ length: rows }, (_, i) => <Skeleton key={i} height={height} />)}
        </Stack>
      ))}
    </div>
  )
}
