import { Alert, Button, Text } from '@mantine/core'
import type { ErrorComponentProps } from '@tanstack/react-router'
import { ButtonLink } from '../components/links'
import { Page } from '../components/Page'
import { texts } from '../lib/texts'

const t = texts.common

export function NotFound() {
  return (
    <Page title={t.notFound}>
      <Text mb="md">{t.notFoundHint}</Text>
      <ButtonLink to="/">{t.home}</ButtonLink>
    </Page>
  )
}

// What browsers say of a part of the console that the server does not have any more.
const gone = /dynamically imported module|module script/i

/** PageBroken stands in place of a page that threw, or that an upgraded server has no more. */
export function PageBroken({ error, reset }: ErrorComponentProps) {
  if (gone.test(String(error))) {
    return (
      <Page title={t.broken}>
        <Alert color="yellow" role="alert" mb="md">{t.newVersion}</Alert>
        <Button onClick={() => location.reload()}>{t.reload}</Button>
      </Page>
    )
  }
  return (
    <Page title={t.broken}>
      <Alert color="red" role="alert" title={error instanceof Error ? error.message : String(error)} mb="md">{t.brokenHint}</Alert>
      <Button onClick={reset}>{t.tryAgain}</Button>
    </Page>
  )
}
