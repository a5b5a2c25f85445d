import { Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { post } from '../../api/client'
import type { MemberJson } from '../../api/gen/pemba/v1/cluster_pb'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { texts } from '../../lib/texts'
import { nameOf } from './health'

const t = texts.operations.cluster

/** Action is what is to be done with a member. */
export type Action = { kind: 'transfer' | 'promote' | 'demote' | 'remove' | 'drain'; member: MemberJson; blocked?: string }

const paths = { transfer: 'transfer-leader', promote: 'promote', demote: 'demote', remove: 'remove', drain: 'drain' } as const

/** Act asks once more, with what follows, and does it. */
export function Act({ action: { kind, member, blocked }, onClose }: { action: Action; onClose: () => void }) {
  const client = useQueryClient()
  const name = nameOf(member)
  const words = { transfer: t.transfer, promote: t.promote, demote: t.demote, remove: t.remove, drain: t.drain }[kind]
  const effect = { transfer: t.transferEffect(name), promote: t.promoteEffect(name), demote: t.demoteEffect(name), remove: t.removeEffect(name), drain: t.drainEffect }[kind]
  const run = async () => {
    await post('/pemba/v1/cluster/' + paths[kind], kind === 'transfer' || kind === 'drain' ? { optionalId: member.id } : { id: member.id })
    await client.invalidateQueries({ queryKey: ['cluster'] })
    saved(t.done)
  }
  return (
    <Confirm opened onClose={onClose} title={`${words}: ${name}`} action={words} danger={kind === 'remove' || kind === 'drain'} onConfirm={run} {...(kind === 'remove' ? { typeName: name } : {})} {...(blocked ? { blocked } : {})}>
      <Text size="sm">{effect}</Text>
    </Confirm>
  )
}
