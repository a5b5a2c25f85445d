import { useState } from 'react'
import { Alert, Button, NumberInput, PasswordInput, Radio, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { post } from '../../api/client'
import type { BeginSignInResponseJson, SignInResponseJson } from '../../api/gen/pemba/portal/v1/session_pb'
import { faults } from '../../api/portal/fields'
import { allServices, serviceName } from '../../api/portal/words'
import { ProviderFields, Redirect } from '../../components/portal/ProviderFields'
import { texts } from '../../lib/texts'
import { arrive } from '../../shell/arrive'
import { remember, remembered } from './remember'

const t = texts.portal.first
const route = getRouteApi('/first-run')
const names = ['code', 'companyName', 'companyId', 'givenName', 'surname', 'email', 'password', 'authenticator.name', 'authenticator.issuer', 'authenticator.clientId', 'authenticator.clientSecret']

/** Founding asks who makes which company, and how he signs in: with a password, or by the company's own provider, where he proves it before anything is made. */
export function Founding({ redirectUrl }: { redirectUrl: string }) {
  const { failed } = route.useSearch()
  const client = useQueryClient()
  const router = useRouter()
  const [kept] = useState(remembered)
  const form = useForm({
    initialValues: {
      code: '', companyName: kept?.companyName ?? '', givenName: kept?.givenName ?? '', surname: kept?.surname ?? '', email: kept?.email ?? '', password: '', how: kept ? 'provider' : 'password',
      licences: kept?.licences ?? (Object.fromEntries(allServices.map((s) => [s, s === 'SERVICE_MODELER' ? 25 : 0])) as Record<string, number>),
      authenticator: { name: '', issuer: '', clientId: '', ...kept?.authenticator, clientSecret: '' },
    },
  })
  const outside = form.values.how === 'provider'
  const begin = useMutation({
    mutationFn: async ({ licences, authenticator, how, password, ...who }: typeof form.values) => {
      const first = { ...who, purchases: Object.entries(licences).filter(([, n]) => n > 0).map(([service, n]) => ({ service, licences: n })) }
      if (how === 'password') {
        await post<SignInResponseJson>('/portal/v1/first-run', { ...first, password })
        return undefined
      }
      const { redirect } = await post<BeginSignInResponseJson>('/portal/v1/first-run/begin', { firstRun: first, authenticator })
      return redirect
    },
  })
  const submit = async (v: typeof form.values) => {
    try {
      const redirect = await begin.mutateAsync(v)
      if (redirect) {
        remember(v)
        window.location.assign(redirect)
        return
      }
      arrive()
      client.clear()
      router.history.push('/console/')
    } catch (e) {
      const { companyId, ...rest } = faults(e, names)
      form.setErrors(companyId ? { ...rest, companyName: companyId } : rest) // the id is made from the name
    }
  }
  const before = failed && !begin.isError && Object.hasOwn(t.failed, failed) ? t.failed[failed] : undefined // no other word is the server's
  return (
    <form onSubmit={form.onSubmit((v) => void submit(v))}>
      <Stack>
        <Text c="dimmed">{t.about}</Text>
        {before && <Alert color="red" role="alert">{before} {t.again}</Alert>}
        <TextInput label={t.code} description={t.codeHint} required autoComplete="one-time-code" {...form.getInputProps('code')} />
        <TextInput label={t.company} required autoComplete="organization" {...form.getInputProps('companyName')} />
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TextInput label={texts.portal.givenName} required autoComplete="given-name" {...form.getInputProps('givenName')} />
          <TextInput label={texts.portal.surname} autoComplete="family-name" {...form.getInputProps('surname')} />
        </SimpleGrid>
        <TextInput label={texts.portal.email} type="email" required autoComplete="username" {...form.getInputProps('email')} />
        <Radio.Group label={t.how} {...form.getInputProps('how')}>
          <Stack gap={6} mt={6}>
            <Radio value="password" label={t.byPassword} />
            <Radio value="provider" label={t.byProvider} />
          </Stack>
        </Radio.Group>
        {outside
          ? (
            <>
              <Text size="sm">{t.provider(form.values.email.split('@')[1] ?? '')}</Text>
              <Redirect url={redirectUrl} />
              <ProviderFields input={(field) => form.getInputProps(`authenticator.${field}`)} />
            </>
          )
          : <PasswordInput label={texts.common.session.password} required autoComplete="new-password" {...form.getInputProps('password')} />}
        <fieldset style={{ border: 0, padding: 0, margin: 0 }}>
          <Text component="legend" size="sm" fw={600} mb={4}>{t.services}</Text>
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            {allServices.map((s) => <NumberInput key={s} label={`${serviceName(s)}: ${t.licences.toLowerCase()}`} min={0} max={1_000_000} allowDecimal={false} {...form.getInputProps(`licences.${s}`)} />)}
          </SimpleGrid>
        </fieldset>
        {begin.isError && !Object.values(form.errors).some(Boolean) && <Alert color="red" role="alert">{begin.error.message}</Alert>}
        <Button type="submit" loading={begin.isPending}>{outside ? t.atProvider : t.go}</Button>
      </Stack>
    </form>
  )
}
