import { Badge, Text } from '@mantine/core'
import type { AuditRecordJson } from '../../api/gen/pemba/portal/v1/audit_pb'
import { personName } from '../../api/portal/words'
import { texts } from '../../lib/texts'
import type { Column } from '../DataTable'
import { When } from '../When'

const t = texts.company.audit

/** Result says by a word whether what was tried was allowed. */
export const Result = ({ of }: { of: string | undefined }) =>
  <Badge variant="light" color={of === 'refused' ? 'red' : 'green'}>{of === 'refused' ? t.refused : t.allowed}</Badge>

/** who did it: the person as he was called then. */
export const actorOf = (r: AuditRecordJson): string => personName(r.actor) || r.actor?.id || t.nobody

export const recordColumns: Column<AuditRecordJson>[] = [
  { id: 'time', header: t.time, width: '180px', cell: (r) => <When at={r.time} /> },
  { id: 'who', header: t.who, width: 'minmax(130px, 1fr)', cell: (r) => actorOf(r) },
  { id: 'what', header: t.what, width: 'minmax(220px, 3fr)', cell: (r) => <>{r.sentence}{r.reason && <Text size="xs" c="dimmed">{r.reason}</Text>}{!!r.repeated && <Text size="xs" c="dimmed">{t.repeated(r.repeated)}</Text>}</> },
  { id: 'from', header: t.from, width: '130px', cell: (r) => r.address },
  { id: 'result', header: t.result, width: '104px', cell: (r) => <Result of={r.result} /> },
]
