import { Badge, SegmentedControl, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { ImportRowJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { DataTable, type Column } from '../../components/DataTable'
import { count, list } from '../../lib/format'
import { texts } from '../../lib/texts'
import { tally } from './run'

const t = texts.company.import

type Kind = 'created' | 'changed' | 'unchanged' | 'failed'
const kinds: Record<string, Kind> = { RESULT_CREATED: 'created', RESULT_CHANGED: 'changed', RESULT_UNCHANGED: 'unchanged', RESULT_ERROR: 'failed' }
const colors: Record<Kind, string> = { created: 'green', changed: 'blue', unchanged: 'gray', failed: 'red' }
const kindOf = (r: ImportRowJson): Kind => kinds[r.result ?? ''] ?? 'failed'

const columns = (words: Record<Kind, string>): Column<ImportRowJson>[] => [
  { id: 'line', header: t.line, width: '80px', cell: (r) => count(r.line ?? 0) },
  { id: 'result', header: t.result, width: '120px', cell: (r) => <Badge variant="light" color={colors[kindOf(r)]}>{words[kindOf(r)]}</Badge> },
  { id: 'email', header: texts.company.fields.email, width: 'minmax(180px, 1fr)', cell: (r) => r.email },
  { id: 'why', header: t.details, width: 'minmax(220px, 2fr)', cell: (r) => (r.error ? <Text size="sm" style={{ whiteSpace: 'normal' }}>{r.error}</Text> : kindOf(r) === 'changed' && r.changes?.length ? t.changes(list(r.changes.map((c) => t.targets[c as keyof typeof t.targets] ?? c))) : '') },
]

/** Rows is what becomes, or became, of each row of the file. */
export function Rows({ rows, done }: { rows: readonly ImportRowJson[]; done: boolean }) {
  const [only, setOnly] = useState<Kind | 'all'>('all')
  const counts = tally(rows)
  const words = done ? t.done : t.will
  const shown = rows.filter((r) => only === 'all' || kindOf(r) === only)
  const choices = (['created', 'changed', 'unchanged', 'failed'] as const).filter((k) => counts[k] > 0)
  return (
    <Stack gap="xs">
      {choices.length > 1 && (
        <SegmentedControl aria-label={t.show} value={only} onChange={(v) => setOnly(v as Kind | 'all')} style={{ alignSelf: 'flex-start', flexWrap: 'wrap' }}
          data={[{ value: 'all', label: `${t.all} (${count(rows.length)})` }, ...choices.map((k) => ({ value: k, label: `${words[k]} (${count(counts[k])})` }))]} />
      )}
      <DataTable label={t.rows} columns={columns(words)} rows={shown} rowKey={(r) => String(r.line)} rowName={(r) => r.email || `${t.line} ${r.line}`} />
    </Stack>
  )
}
