import { Switch, Textarea } from '@mantine/core'
import { useForm } from '@mantine/form'
import { post } from '../../api/client'
import type { AuthenticatorJson } from '../../api/gen/pemba/portal/v1/settings_pb'
import { path, useChange } from '../../api/portal/lists'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { ProviderFields, Redirect } from '../../components/portal/ProviderFields'
import { StoredForm } from '../../components/portal/StoredForm'
import { needed } from '../../lib/needed'
import { texts } from '../../lib/texts'
import { asLines, lines } from './lines'

const t = texts.settings.authenticators
const compared = ['name', 'issuer', 'clientId', 'domains'] as const
type Values = { name: string; issuer: string; clientId: string; clientSecret: string; domains: string; allOthers: boolean; enabled: boolean }

const valuesOf = (a: AuthenticatorJson | undefined): Values => ({
  name: a?.name ?? '', issuer: a?.issuer ?? '', clientId: a?.clientId ?? '', clientSecret: '', domains: asLines(a?.domains), allOthers: a?.allOthers ?? false, enabled: a?.enabled ?? true,
})

type Props = { stored: AuthenticatorJson | undefined; redirectUrl: string; onClose: () => void }

/** AuthenticatorForm adds an authenticator, or changes the stored one. */
export function AuthenticatorForm({ opened, ...rest }: Props & { opened: boolean }) {
  return (
    <Dialog opened={opened} onClose={rest.onClose} title={rest.stored ? t.editTitle(rest.stored.name ?? '') : t.addTitle} size="lg">
      {opened && <Form {...rest} />}
    </Dialog>
  )
}

/** stored is the newest that is known, also while the form is open. */
function Form({ stored, redirectUrl, onClose }: Props) {
  const version = stored?.version ?? '0'
  const form = useForm({ initialValues: { ...valuesOf(stored), version }, validate: { name: needed, issuer: needed, clientId: needed } })
  const save = useChange(({ name, issuer, clientId, clientSecret, domains, allOthers, enabled, version: seen }: typeof form.values) =>
    post(path('authenticators'), { id: stored?.id ?? '', name, issuer: issuer.trim(), clientId, clientSecret, domains: lines(domains), allOthers, enabled, ifVersion: seen }))
  const send = async (v: typeof form.values) => {
    await save.mutateAsync(v)
    saved(t.saved(v.name))
  }
  return (
    <StoredForm form={form} stored={{ ...valuesOf(stored), version }} onSave={send} onClose={onClose} fresh={false} labels={t.fields} compared={compared} meanwhile={t.changedMeanwhile}>
      <ProviderFields input={form.getInputProps} kept={stored?.hasSecret ?? false} />
      <Textarea label={t.fields.domains} description={`${t.hints.domains} ${texts.settings.perLine}`} autosize minRows={2} maxRows={8} {...form.getInputProps('domains')} />
      <Switch label={t.fields.allOthers} description={t.hints.allOthers} {...form.getInputProps('allOthers', { type: 'checkbox' })} />
      <Switch label={t.fields.enabled} description={t.hints.enabled} {...form.getInputProps('enabled', { type: 'checkbox' })} />
      <Redirect url={stored?.redirectUrl || redirectUrl} />
    </StoredForm>
  )
}
