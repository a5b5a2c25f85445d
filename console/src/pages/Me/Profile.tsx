import { Group, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { patch } from '../../api/client'
import type { PersonJson } from '../../api/gen/pemba/portal/v1/common_pb'
import { useMySelf } from '../../api/portal/account'
import { faults } from '../../api/portal/fields'
import { path, useChange } from '../../api/portal/lists'
import { saved } from '../../components/Announcer'
import { Failure } from '../../components/Failure'
import { Form } from '../../components/Form'
import { FormFailure } from '../../components/FormFailure'
import { Loading } from '../../components/Loading'
import { WriteButton } from '../../components/WriteButton'
import { texts } from '../../lib/texts'

const t = texts.company

/** Profile is one's own name; all else is the administrator's. */
export function Profile() {
  const self = useMySelf()
  if (self.isPending) return <Loading rows={3} />
  if (self.isError) return <Failure error={self.error} what={t.me.reading} retry={self.refetch} />
  return <Own of={self.data.person ?? {}} />
}

function Own({ of: p }: { of: PersonJson }) {
  const form = useForm({ initialValues: { givenName: p.givenName ?? '', surname: p.surname ?? '' }, validate: { givenName: (n) => (n.trim() ? null : t.form.required) } })
  const update = useChange((v: typeof form.values) => patch(path('me'), v))
  const submit = async (v: typeof form.values) => {
    try {
      await update.mutateAsync(v)
      form.resetDirty()
      saved(t.me.saved)
    } catch (e) {
      form.setErrors(faults(e, ['givenName', 'surname']))
    }
  }
  return (
    <Form onSubmit={form.onSubmit((v) => void submit(v))}>
      <Stack maw={420}>
        <TextInput label={t.fields.email} value={p.email ?? ''} readOnly />
        <TextInput label={t.fields.givenName} required autoComplete="given-name" {...form.getInputProps('givenName')} />
        <TextInput label={t.fields.surname} autoComplete="family-name" {...form.getInputProps('surname')} />
        <Text size="sm" c="dimmed">{t.me.rest}</Text>
        <FormFailure error={update.error} what={texts.common.save} errors={form.errors} labels={t.fields} />
        <Group><WriteButton type="submit" loading={update.isPending} disabled={!form.isDirty()}>{texts.common.save}</WriteButton></Group>
      </Stack>
    </Form>
  )
}
