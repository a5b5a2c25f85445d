import { useEffect } from 'react'
import { Alert, Center, Paper, Stack, Text, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { meQuery } from '../../api/me'
import { useFirstRun } from '../../api/portal/account'
import { TextLink } from '../../components/links'
import { SignInForm } from '../../components/SignInForm'
import { texts } from '../../lib/texts'
import { arrive } from '../../shell/arrive'

const route = getRouteApi('/sign-in')

/** SignIn lets somebody in, and back to where he wanted to go. */
export function SignIn() {
  const { to, failed } = route.useSearch()
  const router = useRouter()
  const client = useQueryClient()
  const t = texts.common
  const empty = useFirstRun().data?.waiting
  useEffect(() => {
    document.title = `${t.session.signIn} · ${t.product}`
  }, [t])
  // Only addresses of the console, and the way back to a service that somebody signs in
  // to: a link to here must not lead elsewhere.
  const service = to?.startsWith('/oidc/continue?') ?? false
  const target = to && (service || to.startsWith('/console/') || to.startsWith('/console?')) ? to : '/console/'
  const done = async () => {
    arrive()
    if (service) {
      window.location.assign(target)
      return
    }
    client.clear()
    await client.fetchQuery(meQuery)
    router.history.push(target)
  }
  return (
    <Center component="main" id="content" mih="100dvh" p="md">
      <Paper withBorder p="xl" radius="lg" w="100%" maw={400} shadow="sm">
        <Stack gap={4} mb="lg">
          <Title order={1} size="h2">{t.session.signIn}</Title>
          <Text c="dimmed">{t.product}</Text>
        </Stack>
        {empty && <Alert mb="lg" variant="light" color="sea" role="status">{texts.portal.first.none} <TextLink to="/first-run" size="sm">{texts.portal.first.begin}</TextLink></Alert>}
        {failed === 'outside' && <Alert color="red" role="alert" mb="lg">{t.session.outside}</Alert>}
        <SignInForm onDone={done} returnTo={target} />
      </Paper>
    </Center>
  )
}
