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

/** PageBroken stands in place of a page that threw. */
export function PageBroken({ error, reset }: ErrorComponentProps) {
  return (
    <Page title={t.broken}>
      <Alert color="red" role="alert" title={error instanceof Error ? error.message : String(error)} mb="md">{t.brokenHint}</Alert>
      <Button onClick={reset}>{t.tryAgain}</Button>
    </Page>
  )
}
