import type { ReactNode } from 'react'
import { Card, SimpleGrid, Text } from '@mantine/core'
import { texts } from '../../lib/texts'

export type Fact = { label: string; value: ReactNode; extra?: ReactNode }

/** Facts are names with values; what is not known says so, and is not 0. */
export function Facts({ facts, cols = 4 }: { facts: Fact[]; cols?: number }) {
  return (
    <SimpleGrid cols={{ base: 2, md: cols }} spacing="sm">
      {facts.map((f) => (
        <Card key={f.label} withBorder p="sm">
          <Text size="sm" c="dimmed">{f.label}</Text>
          <Text fw={650} size="lg" style={{ overflowWrap: 'anywhere' }}>{f.value ?? <Text span c="dimmed">{texts.operations.noData}</Text>}</Text>
          {f.extra}
        </Card>
      ))}
    </SimpleGrid>
  )
}

/** Sparkline draws numbers as a line; a table elsewhere says the same. */
export function Sparkline({ values }: { values: (number | undefined)[] }) {
  const known = values.filter((v) => v !== undefined)
  if (known.length < 2) return null
  const most = Math.max(...known, 1e-9)
  const width = 160
  const height = 32
  const points = values.flatMap((v, i) => (v === undefined ? [] : [`${((i / (values.length - 1)) * width).toFixed(1)},${(height - 2 - (v / most) * (height - 4)).toFixed(1)}`]))
  return (
    <svg viewBox={`0 0 ${width} ${height}`} width="100%" height={height} preserveAspectRatio="none" aria-hidden className="app-sparkline">
      <polyline points={points.join(' ')} fill="none" stroke="currentColor" strokeWidth="1.5" vectorEffect="non-scaling-stroke" />
    </svg>
  )
}
