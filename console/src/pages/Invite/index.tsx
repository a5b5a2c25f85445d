import { useEffect, useState } from 'react'
import { Alert, Button, Center, Checkbox, Paper, PasswordInput, Progress, Stack, Text, TextInput, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { post } from '../../api/client'
import { isApiError } from '../../api/errors'
import type { InspectLinkResponseJson } from '../../api/gen/pemba/portal/v1/session_pb'
import { Failure } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { texts } from '../../lib/texts'
import { arrive } from '../../shell/arrive'
import { strength } from './strength'

const t = texts.portal.invite
const route = getRouteApi('/invite/$token')

/** Invite sets the password by a one-time link, and asks for a new link where it is no longer good. */
export function Invite() {
  const { token } = route.useParams()
  const link = useQuery({ queryKey: ['link', token], queryFn: ({ signal }) => post<InspectLinkResponseJson>('/portal/v1/links/inspect', { token }, { signal }), retry: false })
  useEffect(() => {
    document.title = `${texts.portal.pages.invite} · ${texts.common.product}`
  }, [])
  const gone = isApiError(link.error, 'NOT_FOUND')
  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper withBorder p="xl" radius="lg" w="100%" maw={420} shadow="sm">
        <Title order={1} size="h2" mb="sm">{gone ? t.gone : texts.portal.pages.invite}</Title>
        {link.isPending && <Loading rows={3} />}
        {gone && <AskAgain />}
        {link.isError && !gone && <Failure error={link.error} what={texts.common.loading} retry={link.refetch} />}
        {link.data && <Form token={token} link={link.data} />}
      </Paper>
    </Center>
  )
}

function Form({ token, link }: { token: string; link: InspectLinkResponseJson }) {
  const client = useQueryClient()
  const router = useRouter()
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const [revokeTokens, setRevoke] = useState(false)
  const redeem = useMutation({
    mutationFn: () => post('/portal/v1/links/redeem', { token, password, revokeTokens }),
    onSuccess: () => {
      arrive()
      client.clear()
      router.history.push('/console/')
    },
  })
  const score = strength(password)
  const differ = again !== '' && again !== password
  return (
    <form onSubmit={(e) => { e.preventDefault(); if (password === again) redeem.mutate() }}>
      <Stack>
        <Text>{link.kind === 'reset' ? t.reset : t.about(link.companyName ?? '')}</Text>
        <TextInput label={texts.portal.email} value={link.email ?? ''} readOnly autoComplete="username" />
        <div>
          <PasswordInput label={t.password} required autoComplete="new-password" value={password} onChange={(e) => setPassword(e.currentTarget.value)} />
          {password !== '' && <><Progress mt={6} size="sm" value={25 * score} aria-label={t.meter[score] ?? ''} /><Text size="xs" role="status">{t.meter[score]}</Text></>}
        </div>
        <PasswordInput label={t.again} required autoComplete="new-password" value={again} onChange={(e) => setAgain(e.currentTarget.value)} error={differ ? t.differ : undefined} />
        {link.kind === 'reset' && <Checkbox label={texts.company.me.revokeTokens} description={texts.company.me.revokeTokensHint} checked={revokeTokens} onChange={(e) => setRevoke(e.currentTarget.checked)} />}
        {redeem.isError && <Alert color="red" role="alert">{redeem.error.message}</Alert>}
        <Button type="submit" loading={redeem.isPending}>{t.go}</Button>
      </Stack>
    </form>
  )
}

function AskAgain() {
  const [email, setEmail] = useState('')
  const ask = useMutation({ mutationFn: () => post('/portal/v1/links/request', { email }) })
  if (ask.isSuccess) return <Text role="status">{t.sent}</Text>
  return (
    <form onSubmit={(e) => { e.preventDefault(); ask.mutate() }}>
      <Stack>
        <Text>{t.goneHint}</Text>
        <TextInput label={texts.portal.email} type="email" required autoComplete="username" value={email} onChange={(e) => setEmail(e.currentTarget.value)} />
        {ask.isError && <Failure error={ask.error} what={t.ask} />}
        <Button type="submit" loading={ask.isPending}>{t.ask}</Button>
      </Stack>
    </form>
  )
}
