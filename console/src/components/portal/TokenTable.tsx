import { useState } from 'react'
import { Text } from '@mantine/core'
import type { MachineTokenJson } from '../../api/gen/pemba/portal/v1/session_pb'
import { texts } from '../../lib/texts'
import { saved } from '../Announcer'
import { Confirm } from '../Confirm'
import { DataTable, type Column } from '../DataTable'
import { When } from '../When'

const t = texts.company.tokens

const columns: Column<MachineTokenJson>[] = [
  { id: 'name', header: texts.company.name, width: 'minmax(140px, 2fr)', cell: (k) => k.name },
  { id: 'created', header: texts.company.created, width: '170px', cell: (k) => <When at={k.createdAt} /> },
  { id: 'expires', header: t.expires, width: '170px', cell: (k) => <When at={k.expiresAt} /> },
  { id: 'seen', header: texts.company.sessions.seen, width: '170px', cell: (k) => <When at={k.seenAt} /> },
]

type Props = {
  tokens: readonly MachineTokenJson[]
  onRevoke: (id: string) => Promise<unknown>
  mayRevoke: boolean
  /** title asks about one token by its name. */
  title?: (name: string) => string
}

/** TokenTable shows tokens by which machines act as somebody; each can be revoked. */
export function TokenTable({ tokens, onRevoke, mayRevoke, title = t.revokeTitle }: Props) {
  const [revoking, setRevoking] = useState<MachineTokenJson>()
  const revoke = async () => {
    await onRevoke(revoking?.id ?? '')
    saved(t.revoked)
  }
  return (
    <>
      <DataTable label={t.label} columns={columns} rows={[...tokens]} rowKey={(k) => k.id ?? ''} rowName={(k) => k.name ?? ''}
        {...(mayRevoke ? { actions: (k: MachineTokenJson) => [{ label: t.revoke, danger: true, onClick: () => setRevoking(k) }] } : {})} />
      <Confirm opened={!!revoking} onClose={() => setRevoking(undefined)} title={title(revoking?.name ?? '')} action={t.revoke} onConfirm={revoke}>
        <Text size="sm">{t.revokeAbout}</Text>
      </Confirm>
    </>
  )
}
