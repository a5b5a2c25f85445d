import { useState } from 'react'
import { Select, Text } from '@mantine/core'
import { post } from '../../api/client'
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import type { SubscriptionJson } from '../../api/gen/pemba/portal/v1/subscriptions_pb'
import { path, useChange } from '../../api/portal/lists'
import { searchPool } from '../../api/portal/subscriptions'
import { asMember, can, memberName, roleAbout, roleLabel } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { Failure } from '../../components/Failure'
import { MemberPicker } from '../../components/portal/MemberPicker'
import { list } from '../../lib/format'
import { texts } from '../../lib/texts'

const t = texts.portal.service

/** Include takes people and groups of the company into a subscription, several at once. */
export function Include({ of: s, opened, onClose }: { of: SubscriptionJson; opened: boolean; onClose: () => void }) {
  return <Dialog opened={opened} onClose={onClose} title={t.include} size="lg">{opened && <Form of={s} onClose={onClose} />}</Dialog>
}

function Form({ of: s, onClose }: { of: SubscriptionJson; onClose: () => void }) {
  const id = s.id ?? ''
  const [members, setMembers] = useState<MemberJson[]>([])
  const [role, setRole] = useState('user')
  const include = useChange(() => post(path('subscriptions', id, 'users'), { members: members.map(asMember), role }))
  const left = (s.licences ?? 0) - (s.licencesUsed ?? 0) - members.filter((m) => m.user).length
  const roles = ['user', 'viewer', ...(can(s.allowed, 'set_owner') ? ['owner'] : [])]
  const submit = async () => {
    await include.mutateAsync()
    saved(`${t.included}: ${list(members.map(memberName))}`)
    onClose()
  }
  return (
    <DialogForm onCancel={onClose} onSubmit={() => void submit().catch(() => undefined)} action={t.include} dirty={members.length > 0} ready={members.length > 0} busy={include.isPending}>
      <Text size="sm">{t.includeAbout}</Text>
      <MemberPicker label={texts.portal.share.who} value={members} onChange={setMembers} of={`pool ${id}`} search={(text, signal) => searchPool(id, text, signal)} first />
      <Select label={texts.portal.role} value={role} onChange={(r) => setRole(r ?? 'user')} allowDeselect={false} data={roles.map((r) => ({ value: r, label: roleLabel(r) }))} description={roleAbout(role)} />
      {s.licences ? <Text size="sm" role="status" {...(left < 0 ? { c: 'var(--mantine-color-error)', fw: 600 } : {})}>{left < 0 ? t.tooMany(-left) : t.left(left)}</Text> : null}
      {include.isError && <Failure error={include.error} what={t.include} />}
    </DialogForm>
  )
}
