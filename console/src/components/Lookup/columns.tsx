import { Badge } from '@mantine/core'
import type { Found } from '../../api/lookup'
import type { Compared, How } from '../../lib/how'
import { list } from '../../lib/format'
import { texts } from '../../lib/texts'
import type { Column } from '../DataTable'

const t = texts.lookup
export type Row = Found & { how: How | undefined; compared: Compared | undefined }

const hues: Record<How, string> = { direct: 'sea', group: 'blue', inherited: 'gray', conditional: 'violet', none: 'red' }
const places: Record<Compared, string> = { both: 'gray', first: 'blue', second: 'orange' }

export function columns(header: string, show: { how: boolean; compared: boolean }): Column<Row>[] {
  return [
    { id: 'id', header, width: 'minmax(200px, 3fr)', cell: (r) => <span className="app-mono">{r.id}</span> },
    { id: 'answer', header: t.columns.answer, width: 'minmax(140px, 1fr)', cell: (r) => <Answer row={r} /> },
    ...(show.how ? [{ id: 'how', header: t.columns.how, width: 'minmax(140px, 1fr)', cell: (r: Row) => (r.how ? <Badge variant="light" color={hues[r.how]}>{t.how[r.how]}</Badge> : '') }] : []),
    ...(show.compared ? [{ id: 'in', header: t.columns.in, width: 'minmax(110px, 1fr)', cell: (r: Row) => (r.compared ? <Badge variant="light" color={places[r.compared]}>{t.in[r.compared]}</Badge> : '') }] : []),
  ]
}

function Answer({ row }: { row: Row }) {
  if (row.conditional) return <Badge variant="light" color="violet">{t.conditional(list(row.conditional))}</Badge>
  if (row.id.endsWith(':*')) return <Badge variant="light" color="yellow" title={row.excluded.join(', ')}>{t.wildcard(row.excluded.length)}</Badge>
  return <>{t.granted}</>
}
