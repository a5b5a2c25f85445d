import { useEffect } from 'react'
import { Center, Paper, Text, Title } from '@mantine/core'
import { useFirstRun } from '../../api/portal/account'
import { Failure } from '../../components/Failure'
import { texts } from '../../lib/texts'
import { Founding } from './Founding'

/** FirstRun makes the first company and its administrator by the code that the server printed. */
export function FirstRun() {
  const waiting = useFirstRun()
  useEffect(() => {
    document.title = `${texts.portal.pages.firstRun} · ${texts.common.product}`
  }, [])
  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper withBorder p="xl" radius="lg" w="100%" maw={560} shadow="sm">
        <Title order={1} size="h2" mb={4}>{texts.portal.pages.firstRun}</Title>
        {waiting.isError && <Failure error={waiting.error} what={texts.common.loading} retry={waiting.refetch} />}
        {waiting.data && !waiting.data.waiting
          ? <Text>{texts.portal.first.done} <a href="/console/sign-in">{texts.common.session.signIn}</a></Text>
          : <Founding redirectUrl={waiting.data?.redirectUrl ?? ''} />}
      </Paper>
    </Center>
  )
}
