import { Select, SimpleGrid, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { post } from '../../api/client'
import { isApiError } from '../../api/errors'
import type { SubscriptionJson } from '../../api/gen/pemba/portal/v1/subscriptions_pb'
import { path, useChange } from '../../api/portal/lists'
import { can, roleLabel } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { Failure } from '../../components/Failure'
import { needed } from '../../lib/needed'
import { texts } from '../../lib/texts'

const t = texts.portal

/** CreateUser creates a company user and includes him in one transaction. */
export function CreateUser({ of: s, opened, onClose }: { of: SubscriptionJson; opened: boolean; onClose: () => void }) {
  return <Dialog opened={opened} onClose={onClose} title={t.service.create} size="lg">{opened && <Form of={s} onClose={onClose} />}</Dialog>
}

const fields: Record<string, string> = { given_name: 'givenName', job_title: 'jobTitle', manager_email: 'managerEmail' }

function Form({ of: s, onClose }: { of: SubscriptionJson; onClose: () => void }) {
  const form = useForm({ initialValues: { email: '', givenName: '', surname: '', jobTitle: '', managerEmail: '', role: 'user' }, validate: { email: needed, givenName: needed } })
  const create = useChange((v: typeof form.values) => post(path('subscriptions', s.id ?? '') + '/users:create', v))
  const submit = async (v: typeof form.values) => {
    try {
      await create.mutateAsync(v)
      saved(`${t.service.included}: ${v.givenName} ${v.surname}`)
      onClose()
    } catch (e) {
      const field = isApiError(e) ? e.metadata['field'] : undefined
      if (field && e instanceof Error) form.setFieldError(fields[field] ?? field, e.message)
    }
  }
  const unplaced = create.error && !Object.values(form.errors).some(Boolean)
  return (
    <DialogForm onCancel={onClose} onSubmit={form.onSubmit((v) => void submit(v))} action={t.service.create} dirty={form.isDirty()} busy={create.isPending}>
      <Text size="sm">{t.service.createAbout}</Text>
      <TextInput label={t.email} type="email" required data-autofocus {...form.getInputProps('email')} />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <TextInput label={t.givenName} required {...form.getInputProps('givenName')} />
        <TextInput label={t.surname} {...form.getInputProps('surname')} />
        <TextInput label={texts.company.fields.jobTitle} {...form.getInputProps('jobTitle')} />
        <TextInput label={texts.company.fields.managerEmail} type="email" {...form.getInputProps('managerEmail')} />
      </SimpleGrid>
      <Select label={t.role} allowDeselect={false} data={['user', 'viewer', ...(can(s.allowed, 'set_owner') ? ['owner'] : [])].map((r) => ({ value: r, label: roleLabel(r) }))} {...form.getInputProps('role')} />
      {unplaced && <Failure error={create.error} what={t.service.create} />}
    </DialogForm>
  )
}
