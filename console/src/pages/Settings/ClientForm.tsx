import { Select, Switch, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { isConflict } from '../../api/errors'
import type { ClientJson, SaveClientResponseJson } from '../../api/gen/pemba/portal/v1/settings_pb'
import { faults } from '../../api/portal/fields'
import { allServices, serviceName } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { FormFailure } from '../../components/FormFailure'
import { Conflict } from '../../components/Outcome'
import { Differences } from '../../components/portal/Differences'
import { needed } from '../../lib/needed'
import { texts } from '../../lib/texts'
import { useSaveClient, valuesOf, type Values } from './saveClient'
import { lines } from './lines'

const t = texts.settings.clients
const names = ['service', 'name', 'redirectUrls', 'logoutUrls', 'portalUrl', 'public', 'newSecret'] as const
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
  const send = async (values: Values, seen: string) => {
    try {
      // Who was public until now gets a secret.
      const made = await save.mutateAsync({ id: stored?.id ?? '', values, seen, newSecret: stored?.public === true && !values.public })
      if (made.secret) onMade(made)
      else saved(t.saved(values.name))
      onClose()
    } catch (e) {
      form.setErrors(faults(e, names))
    }
  }
  const reload = () => {
    form.setInitialValues({ ...valuesOf(stored), version })
    form.reset()
    save.reset()
  }
  const conflict = isConflict(save.error)
  const now = valuesOf(stored)
  return (
    <DialogForm onCancel={onClose} onSubmit={form.onSubmit((v) => void send(v, v.version))} action={texts.common.save} dirty={form.isDirty()} ready={form.isDirty()} busy={save.isPending}>
      <TextInput label={t.fields.name} description={t.hints.name} required data-autofocus {...form.getInputProps('name')} />
      <Select label={t.fields.service} description={t.hints.service} data={services} allowDeselect={false} disabled={!!stored} {...form.getInputProps('service')} />
      <Textarea label={t.fields.redirectUrls} description={`${t.hints.redirectUrls} ${texts.settings.perLine}`} required autosize minRows={2} maxRows={8} {...form.getInputProps('redirectUrls')} />
      <Textarea label={t.fields.logoutUrls} description={`${t.hints.logoutUrls} ${texts.settings.perLine}`} autosize minRows={1} maxRows={8} {...form.getInputProps('logoutUrls')} />
      <TextInput label={t.fields.portalUrl} description={t.hints.portalUrl} type="url" {...form.getInputProps('portalUrl')} />
      <Switch label={t.fields.public} description={stored?.public ? t.hints.newSecret : t.hints.public} {...form.getInputProps('public', { type: 'checkbox' })} />
      {conflict && (
        <Conflict onReload={reload} onApply={() => void send(form.values, version)}>
          {t.changedMeanwhile}
          <Differences of={compared.map((n) => ({ label: t.fields[n], stored: now[n], mine: form.values[n] }))} />
        </Conflict>
      )}
      {!conflict && <FormFailure error={save.error} what={texts.common.save} errors={form.errors} labels={t.fields} />}
    </DialogForm>
  )
}
