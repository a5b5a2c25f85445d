import { Fieldset, Group, NumberInput, SimpleGrid, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { put } from '../../api/client'
import { isConflict } from '../../api/errors'
import type { PoliciesJson } from '../../api/gen/pemba/portal/v1/settings_pb'
import { faults } from '../../api/portal/fields'
import { path, useChange } from '../../api/portal/lists'
import { usePolicies } from '../../api/portal/settings'
import { saved } from '../../components/Announcer'
import { Refused } from '../../components/Failure'
import { Form } from '../../components/Form'
import { FormFailure } from '../../components/FormFailure'
import { Loading } from '../../components/Loading'
import { Conflict } from '../../components/Outcome'
import { Differences } from '../../components/portal/Differences'
import { WriteButton } from '../../components/WriteButton'
import { texts } from '../../lib/texts'

const t = texts.settings.policies
const groups = [
  ['attempts', ['failures', 'lockoutMinutes', 'forgetMinutes']], ['passwords', ['passwordLength', 'linkHours']], ['sessions', ['idleMinutes', 'sessionHours']], ['audit', ['auditDays']],
] as const
const names = groups.flatMap(([, fields]) => [...fields])
type Field = (typeof names)[number]
/** What is typed may be no number for a while. */
type Values = Record<Field, number | string>

const valuesOf = (p: PoliciesJson): Values => Object.fromEntries(names.map((n) => [n, p[n] ?? 0])) as Values

/** Policies are those of the built-in authenticator, and how long records are kept. */
export function Policies() {
  const stored = usePolicies()
  if (stored.isPending) return <Loading />
  if (stored.isError) return <Refused error={stored.error} what={t.reading} permission="manage_security_policies" who={texts.settings.grants} retry={stored.refetch} />
  return <Limits stored={stored.data.policies ?? {}} version={stored.data.version ?? '0'} />
}

/** stored is the newest that is known, also while one types; what was loaded first is what the form changes. */
function Limits({ stored, version }: { stored: PoliciesJson; version: string }) {
  const form = useForm({ initialValues: { ...valuesOf(stored), version } })
  const set = useChange(({ values, seen }: { values: Values; seen: string }) =>
    put(path('policies'), { policies: Object.fromEntries(names.map((n) => [n, Number(values[n]) || 0])), ifVersion: seen }))
  const begin = (values: Values, seen: string) => {
    form.setInitialValues({ ...values, version: seen })
    form.reset()
    set.reset()
  }
  // What somebody else stored shows at once while nothing is typed here.
  if (version !== form.getInitialValues().version && !form.isDirty() && !set.isPending) begin(valuesOf(stored), version)
  const send = async (values: Values, seen: string) => {
    try {
      await set.mutateAsync({ values, seen })
      form.resetDirty()
      saved(t.saved)
    } catch (e) {
      form.setErrors(faults(e, names))
    }
  }
  const conflict = isConflict(set.error)
  return (
    <Form onSubmit={form.onSubmit((v) => void send(v, v.version))}>
      <Stack maw={860}>
        <Text size="sm">{t.about}</Text>
        {groups.map(([group, fields]) => (
          <Fieldset key={group} legend={t.groups[group]}>
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              {fields.map((f) => <NumberInput key={f} label={t.fields[f]} description={t.hints[f]} allowDecimal={false} allowNegative={false} clampBehavior="none" maxLength={7} {...form.getInputProps(f)} />)}
            </SimpleGrid>
          </Fieldset>
        ))}
        {conflict && (
          <Conflict onReload={() => begin(valuesOf(stored), version)} onApply={() => void send(form.values, version)}>
            {set.error?.message}
            <Differences of={names.map((n) => ({ label: t.fields[n], stored: String(stored[n] ?? 0), mine: String(form.values[n]) }))} />
          </Conflict>
        )}
        {!conflict && <FormFailure error={set.error} what={texts.common.save} errors={form.errors} labels={t.fields} />}
        <Group><WriteButton type="submit" loading={set.isPending} disabled={!form.isDirty()}>{texts.common.save}</WriteButton></Group>
      </Stack>
    </Form>
  )
}
