import { useState } from 'react'
import { Checkbox, Textarea } from '@mantine/core'
import { useForm } from '@mantine/form'
import { post } from '../../api/client'
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import type { CreateUserResponseJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { faults } from '../../api/portal/fields'
import { someGroups } from '../../api/portal/groups'
import { path, useChange } from '../../api/portal/lists'
import { userName } from '../../api/portal/people'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { FormFailure } from '../../components/FormFailure'
import { MemberPicker } from '../../components/portal/MemberPicker'
import { needed } from '../../lib/needed'
import { texts } from '../../lib/texts'
import { wellFormed } from './email'
import { empty, fieldNames, PersonFields } from './PersonFields'

const t = texts.company

/** AddPerson registers somebody in the company. */
export function AddPerson({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return <Dialog opened={opened} onClose={onClose} title={t.form.addTitle} size="lg">{opened && <Form onClose={onClose} />}</Dialog>
}

function Form({ onClose }: { onClose: () => void }) {
  const [groups, setGroups] = useState<MemberJson[]>([])
  const form = useForm({
    initialValues: { ...empty, active: true, notify: true, message: '' },
    validate: { email: (e) => (wellFormed(e) ? null : t.form.mistyped), givenName: needed },
  })
  const create = useChange(({ active, notify, ...v }: typeof form.values) =>
    post<CreateUserResponseJson>(path('users'), { ...v, inactive: !active, noInvitation: !active || !notify, groups: groups.map((g) => g.group) }))
  const send = form.onSubmit(async (v) => {
    try {
      const { user } = await create.mutateAsync(v)
      saved(t.people.added(userName(user)))
      onClose()
    } catch (e) {
      form.setErrors(faults(e, fieldNames))
    }
  })
  const invites = form.values.active && form.values.notify
  return (
    <DialogForm onCancel={onClose} onSubmit={send} action={texts.common.add} dirty={form.isDirty() || groups.length > 0} busy={create.isPending}>
      <PersonFields form={form} />
      <MemberPicker label={t.form.groups} description={t.form.groupsHint} value={groups} onChange={setGroups} of="groups" search={someGroups} />
      <Checkbox label={t.form.active} description={t.form.activeHint} {...form.getInputProps('active', { type: 'checkbox' })} />
      <Checkbox label={t.form.notify} description={t.form.notifyHint} disabled={!form.values.active} {...form.getInputProps('notify', { type: 'checkbox' })} checked={invites} />
      {invites && <Textarea label={t.form.message} autosize minRows={2} maxRows={6} maxLength={1000} {...form.getInputProps('message')} />}
      <FormFailure error={create.error} what={t.form.addTitle} errors={form.errors} labels={t.fields} />
    </DialogForm>
  )
}
