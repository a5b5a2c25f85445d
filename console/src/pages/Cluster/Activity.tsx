import { useState } from 'react'
import { Button, Stack, Table, Text, Title } from '@mantine/core'
import { useNode, useSeries } from '../../api/node'
import type { SeriesPointJson } from '../../api/gen/pemba/console/v1/node_pb'
import type { MemberJson } from '../../api/gen/pemba/v1/cluster_pb'
import { Facts, Sparkline } from '../../components/Facts'
import { ScrollBox } from '../../components/ScrollBox'
import { bytes, clock, count, seconds, span } from '../../lib/format'
import { texts } from '../../lib/texts'

const t = texts.operations.cluster
const perMinute = 12 // points

const number = (n: number | string | null | undefined): number | undefined => (n === undefined || n === null || n === 'NaN' ? undefined : Number(n))
const percent = (n: number | undefined): string | undefined => (n === undefined ? undefined : `${(n * 100).toFixed(1)} %`)
const short = (n: number | undefined): string | undefined => (n === undefined ? undefined : n < 10 ? n.toFixed(1) : count(Math.round(n)))

/** Activity is what this node did lately: cards with lines, and the same as a table. */
export function Activity({ member }: { member: MemberJson | undefined }) {
  const [table, setTable] = useState(false)
  const series = useSeries()
  const commit = useNode(member?.id ?? '').data?.raft?.commitIndex
  const points = series.data?.points ?? []
  const last = points.at(-1)
  const line = (f: (p: SeriesPointJson) => number | undefined) => <Sparkline values={points.map(f)} />
  const p99 = (p: SeriesPointJson) => seconds(p.checkP99)
  const hits = (p: SeriesPointJson) => number(p.cacheHitRatio)
  const p99Now = last && p99(last)
  return (
    <Stack gap="xs">
      <Facts facts={[
        { label: t.cards.commit, value: commit && count(commit) },
        { label: t.cards.lag, value: last && count(last.lag ?? 0), extra: line((p) => number(p.lag)) },
        { label: t.cards.checks, value: last && short(number(last.checksPerSecond)), extra: line((p) => number(p.checksPerSecond)) },
        { label: t.cards.p99, value: p99Now === undefined ? undefined : span(p99Now), extra: line(p99) },
        { label: t.cards.cache, value: last && percent(hits(last)), extra: line(hits) },
        { label: t.cards.writes, value: last && short(number(last.writesPerSecond)), extra: line((p) => number(p.writesPerSecond)) },
        { label: t.cards.disk, value: member && Number(member.totalBytes) > 0 ? bytes(member.freeBytes ?? 0) : undefined },
      ]} />
      {points.length > 0 && <Button variant="default" size="compact-sm" w="fit-content" aria-expanded={table} onClick={() => setTable(!table)}>{t.seriesTable}</Button>}
      {table && <SeriesTable points={points} />}
    </Stack>
  )
}

function SeriesTable({ points }: { points: SeriesPointJson[] }) {
  const shown = points.filter((_, i) => (points.length - 1 - i) % perMinute === 0)
  const cell = (text: string | undefined) => text ?? texts.operations.noData
  return (
    <section aria-labelledby="series">
      <Title order={2} size="h5" id="series">{t.series}</Title>
      <Text size="sm" c="dimmed">{t.minutes}</Text>
      <ScrollBox label={t.series}>
        <Table verticalSpacing={4}>
          <Table.Thead><Table.Tr>{t.seriesColumns.map((c) => <Table.Th key={c} scope="col">{c}</Table.Th>)}</Table.Tr></Table.Thead>
          <Table.Tbody>
            {shown.map((p) => {
              const p99 = seconds(p.checkP99)
              return (
                <Table.Tr key={p.time}>
                  <Table.Td>{p.time ? clock(new Date(p.time)) : ''}</Table.Td>
                  <Table.Td>{cell(short(number(p.checksPerSecond)))}</Table.Td>
                  <Table.Td>{cell(p99 === undefined ? undefined : span(p99))}</Table.Td>
                  <Table.Td>{cell(short(number(p.writesPerSecond)))}</Table.Td>
                  <Table.Td>{cell(percent(number(p.cacheHitRatio)))}</Table.Td>
                  <Table.Td>{count(p.lag ?? 0)}</Table.Td>
                </Table.Tr>
              )
            })}
          </Table.Tbody>
        </Table>
      </ScrollBox>
    </section>
  )
}
