import { Alert, Button, Code, CopyButton, Stack, Text } from '@mantine/core'
import { texts } from '../../lib/texts'
import { announce } from '../Announcer'

/** Secret shows what is shown once, and lets one copy it. */
export function Secret({ title, value }: { title: string; value: string }) {
  return (
    <Alert color="green" variant="light" title={title} role="status">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{texts.company.secretOnce}</Text>
        <Code block w="100%" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }} data-secret>{value}</Code>
        <CopyButton value={value}>{({ copied, copy }) => <Button size="xs" variant="default" onClick={() => { copy(); announce(texts.common.copied) }}>{copied ? texts.common.copied : texts.common.copy}</Button>}</CopyButton>
      </Stack>
    </Alert>
  )
}
