import { useState } from 'react'
import { Radio, Stack } from '@mantine/core'
import { patch } from '../../api/client'
import type { SubscriptionUserJson } from '../../api/gen/pemba/portal/v1/subscriptions_pb'
import { path, useChange } from '../../api/portal/lists'
import { asMember, can, memberName, roleAbout, roleLabel } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { Failure } from '../../components/Failure'
import { texts } from '../../lib/texts'

const t = texts.portal.service

/** ChangeRole makes somebody who is included owner, viewer or plain user. */
export function ChangeRole({ id, user, onClose }: { id: string; user: SubscriptionUserJson | undefined; onClose: () => void }) {
  return (
    <Dialog opened={!!user} onClose={onClose} title={t.setRole}>
      {user && <Form id={id} user={user} onClose={onClose} />}
    </Dialog>
  )
}

function Form({ id, user, onClose }: { id: string; user: SubscriptionUserJson; onClose: () => void }) {
  const [role, setRole] = useState(user.role ?? 'user')
  const change = useChange(() => patch(path('subscriptions', id, 'users'), { member: asMember(user.member ?? {}), role, presentRole: user.role }))
  const submit = async () => {
    await change.mutateAsync()
    saved(t.roleChanged(memberName(user.member), roleLabel(role)))
    onClose()
  }
  const roles = ['user', 'viewer', ...(can(user.allowed, 'set_owner') || user.role === 'owner' ? ['owner'] : [])]
  return (
    <DialogForm onCancel={onClose} onSubmit={() => void submit().catch(() => undefined)} action={texts.common.save} dirty={role !== user.role} ready={role !== user.role} busy={change.isPending}>
      <Radio.Group label={`${texts.portal.role}: ${memberName(user.member)}`} value={role} onChange={setRole}>
        <Stack gap="xs" mt="xs">{roles.map((r) => <Radio key={r} value={r} label={roleLabel(r)} description={roleAbout(r)} {...(r === role ? { 'data-autofocus': true } : {})} />)}</Stack>
      </Radio.Group>
      {change.isError && <Failure error={change.error} what={t.setRole} />}
    </DialogForm>
  )
}
