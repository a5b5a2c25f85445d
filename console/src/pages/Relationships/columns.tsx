import { Button, Popover } from '@mantine/core'
import type { ContextualizedCaveatJson, RelationshipJson } from '../../api/gen/authzed/api/v1/core_pb'
import type { Column } from '../../components/DataTable'
import { ago, moment } from '../../lib/format'
import { objectText, subjectText } from '../../lib/relationship'
import { texts } from '../../lib/texts'

const t = texts.relationships

/** columns of the table; now is when the rows were read. */
export function columns(now: number): Column<RelationshipJson>[] {
  return [
    { id: 'resource', header: t.columns.resource, width: 'minmax(160px, 2fr)', cell: (r) => <span className="app-mono">{objectText(r.resource)}</span> },
    { id: 'relation', header: t.columns.relation, width: 'minmax(110px, 1fr)', cell: (r) => <span className="app-mono">{r.relation}</span> },
    { id: 'subject', header: t.columns.subject, width: 'minmax(160px, 2fr)', cell: (r) => <span className="app-mono">{subjectText(r.subject)}</span> },
    { id: 'caveat', header: t.columns.caveat, width: 'minmax(100px, 1fr)', cell: (r) => (r.optionalCaveat ? <CaveatCell caveat={r.optionalCaveat} /> : '') },
    { id: 'expires', header: t.columns.expires, width: 'minmax(150px, 1fr)', cell: (r) => <Expires at={r.optionalExpiresAt} now={now} /> },
  ]
}

function CaveatCell({ caveat }: { caveat: ContextualizedCaveatJson }) {
  const values = caveat.context && Object.keys(caveat.context).length > 0
  if (!values) return <span className="app-mono">{caveat.caveatName}</span>
  return (
    <Popover width={320} position="bottom-start" withArrow>
      <Popover.Target><Button size="compact-xs" variant="default" classNames={{ label: 'app-mono' }}>{caveat.caveatName}</Button></Popover.Target>
      <Popover.Dropdown aria-label={t.context(caveat.caveatName ?? '')}><pre className="app-pre">{JSON.stringify(caveat.context, null, 2)}</pre></Popover.Dropdown>
    </Popover>
  )
}

function Expires({ at, now }: { at: string | undefined; now: number }) {
  if (!at) return <span className="app-step-kind">{t.never}</span>
  const when = new Date(at)
  return <time dateTime={at}>{when.getTime() <= now ? t.expired : ago(when, new Date(now))}<br /><span className="app-step-kind">{moment(when)}</span></time>
}
