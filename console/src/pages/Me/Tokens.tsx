import { useState } from 'react'
import { Group, NumberInput, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { del, post } from '../../api/client'
import type { CreateMyTokenResponseJson } from '../../api/gen/pemba/portal/v1/session_pb'
import { useMyTokens } from '../../api/portal/account'
import { faults } from '../../api/portal/fields'
import { path, useChange } from '../../api/portal/lists'
import { Failure } from '../../components/Failure'
import { Form } from '../../components/Form'
import { FormFailure } from '../../components/FormFailure'
import { Loading } from '../../components/Loading'
import { Secret } from '../../components/portal/Secret'
import { TokenTable } from '../../components/portal/TokenTable'
import { WriteButton } from '../../components/WriteButton'
import { texts } from '../../lib/texts'

const t = texts.company.tokens
const labels = { name: texts.company.name, days: t.days }

/** Tokens are of machines that act as oneself; a token is shown once. */
export function Tokens() {
  const all = useMyTokens()
  const [made, setMade] = useState<CreateMyTokenResponseJson>()
  const revoke = useChange((id: string) => del(path('me', 'tokens', id)))
  const rows = all.data?.tokens ?? []
  return (
    <Stack>
      <Text size="sm">{t.about}</Text>
      <Create onMade={setMade} />
      {made?.token && <Secret title={t.made} value={made.token} />}
      {all.isPending && <Loading rows={2} />}
      {all.isError && <Failure error={all.error} what={t.label} retry={all.refetch} />}
      {all.isSuccess && rows.length === 0 && <Text c="dimmed">{t.none}</Text>}
      {rows.length > 0 && <TokenTable tokens={rows} mayRevoke onRevoke={(id) => revoke.mutateAsync(id)} />}
    </Stack>
  )
}

function Create({ onMade }: { onMade: (m: CreateMyTokenResponseJson) => void }) {
  const form = useForm({ initialValues: { name: '', days: 90 as number | string }, validate: { name: (n) => (n.trim() ? null : texts.company.form.required) } })
  const create = useChange((v: typeof form.values) => post<CreateMyTokenResponseJson>(path('me', 'tokens'), { name: v.name, days: Number(v.days) || 0 }))
  const submit = async (v: typeof form.values) => {
    try {
      onMade(await create.mutateAsync(v))
      form.reset()
    } catch (e) {
      form.setErrors(faults(e, ['name', 'days']))
    }
  }
  return (
    <Form onSubmit={form.onSubmit((v) => void submit(v))}>
      <Group align="flex-start">
        <TextInput label={labels.name} description={t.nameHint} required {...form.getInputProps('name')} w={{ base: '100%', xs: 280 }} />
        <NumberInput label={labels.days} description={t.daysHint} min={1} max={365} allowDecimal={false} {...form.getInputProps('days')} w={160} />
      </Group>
      <FormFailure error={create.error} what={t.create} errors={form.errors} labels={labels} />
      <Group mt="sm"><WriteButton type="submit" loading={create.isPending}>{t.create}</WriteButton></Group>
    </Form>
  )
}
