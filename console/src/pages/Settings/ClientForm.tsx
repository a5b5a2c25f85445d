import { Select, Switch, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import type { ClientJson, SaveClientResponseJson } from '../../api/gen/pemba/portal/v1/settings_pb'
import { allServices, serviceName } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { StoredForm } from '../../components/portal/StoredForm'
import { needed } from '../../lib/needed'
import { texts } from '../../lib/texts'
import { useSaveClient, valuesOf } from './saveClient'
import { lines } from './lines'

const t = texts.settings.clients
const compared = ['name', 'redirectUrls', 'logoutUrls', 'portalUrl'] as const
const services = allServices.map((s) => ({ value: s, label: serviceName(s) }))

type Props = { stored: ClientJson | undefined; onMade: (m: SaveClientResponseJson) => void; onClose: () => void }

/** ClientForm adds the portal of a service, or changes the stored one. */
export function ClientForm({ opened, ...rest }: Props & { opened: boolean }) {
  return (
    <Dialog opened={opened} onClose={rest.onClose} title={rest.stored ? t.editTitle(rest.stored.name ?? '') : t.addTitle} size="lg">
      {opened && <Form {...rest} />}
    </Dialog>
  )
}

/** stored is the newest that is known, also while the form is open. */
function Form({ stored, onMade, onClose }: Props) {
  const version = stored?.version ?? '0'
  const form = useForm({
    initialValues: { ...valuesOf(stored), version },
    validate: { name: needed, redirectUrls: (u) => (lines(u).length > 0 ? null : texts.company.form.required) },
  })
  const save = useSaveClient()
  const send = async ({ version: seen, ...values }: typeof form.values) => {
    // Who was public until now gets a secret.
    const made = await save.mutateAsync({ id: stored?.id ?? '', values, seen, newSecret: stored?.public === true && !values.public })
    if (made.secret) onMade(made)
    else saved(t.saved(values.name))
  }
  return (
    <StoredForm form={form} stored={{ ...valuesOf(stored), version }} onSave={send} onClose={onClose} fresh={false} labels={t.fields} compared={compared} meanwhile={t.changedMeanwhile}>
      <TextInput label={t.fields.name} description={t.hints.name} required data-autofocus {...form.getInputProps('name')} />
      <Select label={t.fields.service} description={t.hints.service} data={services} allowDeselect={false} disabled={!!stored} {...form.getInputProps('service')} />
      <Textarea label={t.fields.redirectUrls} description={`${t.hints.redirectUrls} ${texts.settings.perLine}`} required autosize minRows={2} maxRows={8} {...form.getInputProps('redirectUrls')} />
      <Textarea label={t.fields.logoutUrls} description={`${t.hints.logoutUrls} ${texts.settings.perLine}`} autosize minRows={1} maxRows={8} {...form.getInputProps('logoutUrls')} />
      <TextInput label={t.fields.portalUrl} description={t.hints.portalUrl} type="url" {...form.getInputProps('portalUrl')} />
      <Switch label={t.fields.public} description={stored?.public ? t.hints.newSecret : t.hints.public} {...form.getInputProps('public', { type: 'checkbox' })} />
    </StoredForm>
  )
}
