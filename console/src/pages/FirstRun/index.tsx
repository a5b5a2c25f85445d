import { Alert, Button, Center, NumberInput, Paper, PasswordInput, SimpleGrid, Stack, Text, TextInput, Title } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'
import { post } from '../../api/client'
import { isApiError } from '../../api/errors'
import { useFirstRun } from '../../api/portal/account'
import { allServices, serviceName } from '../../api/portal/words'
import { Failure } from '../../components/Failure'
import { texts } from '../../lib/texts'
import { arrive } from '../../shell/arrive'

const t = texts.portal.first
const fields: Record<string, string> = { company_name: 'companyName', given_name: 'givenName' }

/** FirstRun makes the first company and its administrator by the code that the server printed. */
export function FirstRun() {
  const client = useQueryClient()
  const router = useRouter()
  const waiting = useFirstRun()
  const form = useForm({ initialValues: { code: '', companyName: '', givenName: '', surname: '', email: '', password: '', licences: Object.fromEntries(allServices.map((s) => [s, s === 'SERVICE_MODELER' ? 25 : 0])) as Record<string, number> } })
  const begin = useMutation({
    mutationFn: ({ licences, ...v }: typeof form.values) =>
      post('/portal/v1/first-run', { ...v, purchases: Object.entries(licences).filter(([, n]) => n > 0).map(([service, n]) => ({ service, licences: n })) }),
  })
  useEffect(() => {
    document.title = `${texts.portal.pages.firstRun} · ${texts.common.product}`
  }, [])
  const submit = async (v: typeof form.values) => {
    try {
      await begin.mutateAsync(v)
      arrive()
      client.clear()
      router.history.push('/console/')
    } catch (e) {
      const field = isApiError(e) ? e.metadata['field'] : undefined
      if (field && e instanceof Error) form.setFieldError(fields[field] ?? field, e.message)
    }
  }
  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper withBorder p="xl" radius="lg" w="100%" maw={560} shadow="sm">
        <Title order={1} size="h2" mb={4}>{texts.portal.pages.firstRun}</Title>
        {waiting.data && !waiting.data.waiting
          ? <Text>{t.done} <a href="/console/sign-in">{texts.common.session.signIn}</a></Text>
          : (
            <form onSubmit={form.onSubmit((v) => void submit(v))}>
              <Stack>
                <Text c="dimmed">{t.about}</Text>
                {waiting.isError && <Failure error={waiting.error} what={texts.common.loading} retry={waiting.refetch} />}
                <TextInput label={t.code} description={t.codeHint} required autoComplete="one-time-code" {...form.getInputProps('code')} />
                <TextInput label={t.company} required autoComplete="organization" {...form.getInputProps('companyName')} />
                <SimpleGrid cols={{ base: 1, xs: 2 }}>
                  <TextInput label={texts.portal.givenName} required autoComplete="given-name" {...form.getInputProps('givenName')} />
                  <TextInput label={texts.portal.surname} autoComplete="family-name" {...form.getInputProps('surname')} />
                </SimpleGrid>
                <TextInput label={texts.portal.email} type="email" required autoComplete="username" {...form.getInputProps('email')} />
                <PasswordInput label={texts.common.session.password} required autoComplete="new-password" {...form.getInputProps('password')} />
                <fieldset style={{ border: 0, padding: 0, margin: 0 }}>
                  <Text component="legend" size="sm" fw={500} mb={4}>{t.services}</Text>
                  <SimpleGrid cols={{ base: 1, xs: 2 }}>
                    {allServices.map((s) => <NumberInput key={s} label={`${serviceName(s)}: ${t.licences.toLowerCase()}`} min={0} max={1_000_000} allowDecimal={false} {...form.getInputProps(`licences.${s}`)} />)}
                  </SimpleGrid>
                </fieldset>
                {begin.isError && !Object.values(form.errors).some(Boolean) && <Alert color="red" role="alert">{begin.error.message}</Alert>}
                <Button type="submit" loading={begin.isPending}>{t.go}</Button>
              </Stack>
            </form>
          )}
      </Paper>
    </Center>
  )
}
