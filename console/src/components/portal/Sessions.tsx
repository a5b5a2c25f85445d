import { useState } from 'react'
import { Badge, Group, Text } from '@mantine/core'
import type { SessionJson } from '../../api/gen/pemba/portal/v1/session_pb'
import { texts } from '../../lib/texts'
import { saved } from '../Announcer'
import { Confirm } from '../Confirm'
import { DataTable, type Column } from '../DataTable'
import { When } from '../When'
import { WriteButton } from '../WriteButton'

const t = texts.company.sessions

const columns: Column<SessionJson>[] = [
  { id: 'seen', header: t.seen, width: '164px', cell: (s) => <Group gap={6}><When at={s.seenAt} />{s.current && <Badge size="sm" variant="light">{t.current}</Badge>}</Group> },
  { id: 'address', header: t.address, width: '116px', cell: (s) => <span style={{ overflowWrap: 'anywhere' }}>{s.address}</span> },
  { id: 'agent', header: t.agent, width: 'minmax(140px, 2fr)', cell: (s) => <span title={s.agent}>{s.agent}</span> },
  { id: 'by', header: t.by, width: '100px', cell: (s) => t.ways[s.by ?? ''] ?? s.by },
  { id: 'begun', header: t.begun, width: '164px', cell: (s) => <When at={s.begunAt} /> },
  { id: 'expires', header: t.expires, width: '164px', cell: (s) => <When at={s.expiresAt} /> },
]

type Props = {
  sessions: readonly SessionJson[]
  /** onEnd ends one session; "" means all, but for one's own present one. */
  onEnd: (id: string) => Promise<unknown>
  /** all is what the button says that ends more than one; undefined: there is none. */
  all?: string
  mayEnd: boolean
}

/** Sessions are where somebody is signed in; each can be ended. */
export function Sessions({ sessions, onEnd, all, mayEnd }: Props) {
  const [ending, setEnding] = useState<string>()
  const one = sessions.find((s) => s.id === ending)
  const end = async () => {
    await onEnd(ending ?? '')
    saved(ending ? t.ended : t.allEnded)
  }
  return (
    <>
      {all && mayEnd && <Group justify="flex-end" mb="xs"><WriteButton variant="default" onClick={() => setEnding('')}>{all}</WriteButton></Group>}
      <DataTable label={t.label} columns={columns} rows={[...sessions]} rowKey={(s) => s.id ?? ''} rowName={(s) => `${t.address} ${s.address}`}
        {...(mayEnd ? { actions: (s: SessionJson) => (s.current ? [] : [{ label: t.end, danger: true, onClick: () => setEnding(s.id) }]) } : {})} />
      <Confirm opened={ending !== undefined} onClose={() => setEnding(undefined)} title={ending ? t.endTitle : t.endAllTitle} action={ending ? t.end : (all ?? t.end)} onConfirm={end}>
        {ending && <Text size="sm" mb="xs">{t.which(one?.address ?? '', one?.agent ?? '')}</Text>}
        <Text size="sm">{t.endAbout}</Text>
      </Confirm>
    </>
  )
}
