import { Checkbox, Group, PasswordInput, Progress, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { post } from '../../api/client'
import { useMe } from '../../api/me'
import { useMyTokens } from '../../api/portal/account'
import { faults } from '../../api/portal/fields'
import { path, useChange } from '../../api/portal/lists'
import { saved } from '../../components/Announcer'
import { Form } from '../../components/Form'
import { FormFailure } from '../../components/FormFailure'
import { WriteButton } from '../../components/WriteButton'
import { texts } from '../../lib/texts'
import { strength } from '../Invite/strength'

const t = texts.company.me
const labels = { present: t.present, password: texts.portal.invite.password, again: texts.portal.invite.again }

/** Password changes one's own, which ends all other sessions, and the tokens of machines if that is wished. */
export function Password() {
  const me = useMe()
  const tokens = useMyTokens()
  const form = useForm({
    initialValues: { present: '', password: '', again: '', revokeTokens: false },
    validate: { present: (p) => (p ? null : texts.company.form.required), password: (p) => (p ? null : texts.company.form.required), again: (a, v) => (a === v.password ? null : texts.portal.invite.differ) },
  })
  const change = useChange(({ present, password, revokeTokens }: typeof form.values) => post(path('me', 'password'), { present, password, revokeTokens }))
  const submit = async (v: typeof form.values) => {
    try {
      await change.mutateAsync(v)
      form.reset()
      saved(v.revokeTokens ? t.passwordAndTokens : t.passwordChanged)
    } catch (e) {
      form.setErrors(faults(e, ['present', 'password']))
    }
  }
  const score = strength(form.values.password)
  const made = tokens.data?.tokens?.length ?? 0
  return (
    <Form onSubmit={form.onSubmit((v) => void submit(v))}>
      <Stack maw={420}>
        <Text size="sm">{t.passwordAbout}</Text>
        {/* for managers of passwords, which ask whose it is */}
        <TextInput label={texts.company.fields.email} value={me.person?.email ?? ''} readOnly autoComplete="username" />
        <PasswordInput label={labels.present} required autoComplete="current-password" {...form.getInputProps('present')} />
        <div>
          <PasswordInput label={labels.password} required autoComplete="new-password" {...form.getInputProps('password')} />
          {form.values.password !== '' && <><Progress mt={6} size="sm" value={25 * score} aria-label={texts.portal.invite.meter[score] ?? ''} /><Text size="xs" role="status">{texts.portal.invite.meter[score]}</Text></>}
        </div>
        <PasswordInput label={labels.again} required autoComplete="new-password" {...form.getInputProps('again')} />
        {/* whoever has none is not asked; whose could not be read may have some */}
        {(made > 0 || tokens.isError) && <Checkbox label={t.revokeTokens} description={made > 0 ? t.revokeTokensOf(made) : t.revokeTokensHint} {...form.getInputProps('revokeTokens', { type: 'checkbox' })} />}
        <FormFailure error={change.error} what={t.change} errors={form.errors} labels={labels} />
        <Group><WriteButton type="submit" loading={change.isPending}>{t.change}</WriteButton></Group>
      </Stack>
    </Form>
  )
}
