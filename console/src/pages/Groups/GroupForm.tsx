import { useState } from 'react'
import { Select, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { may, useMe } from '../../api/me'
import { patch, post } from '../../api/client'
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import type { GroupJson } from '../../api/gen/pemba/portal/v1/groups_pb'
import { someMembers, useGroup } from '../../api/portal/groups'
import { path, useChange } from '../../api/portal/lists'
import { useSubscriptions } from '../../api/portal/subscriptions'
import { asMember, can, serviceName } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { MemberPicker } from '../../components/portal/MemberPicker'
import { StoredForm } from '../../components/portal/StoredForm'
import { changed } from '../../lib/changed'
import { needed } from '../../lib/needed'
import { texts } from '../../lib/texts'

const t = texts.company.group
const labels = { name: texts.company.name, description: texts.portal.description, subscriptionId: t.belongs }
const kept = ['name', 'description'] as const
const fieldsOf = (g: GroupJson | undefined) => ({ name: g?.name ?? '', description: g?.description ?? '', version: g?.version ?? '0' })

/** Props: group is what is changed; place is the subscription of a new one, if it is known. */
type Props = { group?: GroupJson; place?: string; onClose: () => void }

/** GroupForm creates a group, or changes its name and description. */
export function GroupForm({ opened, onClose, ...of }: Props & { opened: boolean }) {
  return (
    <Dialog opened={opened} onClose={onClose} title={of.group ? t.editTitle(of.group.name ?? '') : t.create} size="lg">
      {opened && <Form {...of} onClose={onClose} />}
    </Dialog>
  )
}

/** What was known of the group when the form opened is what it changes; stored is the newest, also while it is open. */
function Form({ group, place, onClose }: Props) {
  const me = useMe()
  const stored = useGroup(group?.id ?? '', !!group).data?.group ?? group
  const subscriptions = useSubscriptions()
  const [members, setMembers] = useState<MemberJson[]>([])
  const ofCompany = may(me, 'manage_groups')
  const places = [
    ...(ofCompany ? [{ value: 'company', label: t.company }] : []),
    ...(subscriptions.data?.subscriptions ?? []).filter((s) => can(s.allowed, 'manage_groups')).map((s) => ({ value: s.id ?? '', label: serviceName(s.service) })),
  ]
  const form = useForm({
    initialValues: { ...fieldsOf(group), subscriptionId: place ?? (ofCompany ? 'company' : '') },
    validate: { name: needed, subscriptionId: (s) => (group || s ? null : texts.company.form.required) },
  })
  const save = useChange((v: typeof form.values) =>
    group
      ? patch(path('groups', group.id ?? ''), { ...changed(form.getInitialValues(), v, kept), ifVersion: v.version })
      : post(path('groups'), { name: v.name, description: v.description, subscriptionId: v.subscriptionId === 'company' ? '' : v.subscriptionId, members: members.map(asMember) }))
  const send = async (v: typeof form.values) => {
    await save.mutateAsync(v)
    saved(t.saved(v.name))
  }
  return (
    <StoredForm form={form} stored={{ ...form.getInitialValues(), ...fieldsOf(stored) }} onSave={send} onClose={onClose} {...(group ? {} : { action: t.create })} fresh={!group} dirty={members.length > 0} labels={labels} compared={kept} meanwhile={t.changedMeanwhile}>
      <TextInput label={labels.name} required data-autofocus {...form.getInputProps('name')} />
      <Textarea label={labels.description} autosize minRows={2} maxRows={6} {...form.getInputProps('description')} />
      {!group && <Select label={labels.subscriptionId} description={t.belongsHint} data={places} allowDeselect={false} {...form.getInputProps('subscriptionId')} />}
      {!group && <MemberPicker label={t.members} value={members} onChange={setMembers} of="members" search={someMembers} />}
    </StoredForm>
  )
}
