import { Alert, Button, Code, Group, Text } from '@mantine/core'
import { isApiError } from '../api/errors'
import { list } from '../lib/format'
import { texts } from '../lib/texts'
import { Coded } from './Coded'
import { Empty, NotAllowed } from './Empty'

/** Failure says inline what failed, with the request id and a way to try again. */
export function Failure({ error, what, retry }: { error: unknown; what: string; retry?: () => unknown }) {
  const t = texts.common
  const e = isApiError(error) ? error : undefined
  return (
    <Alert color="red" role="alert" title={t.failed(what)} variant="light">
      <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}><Coded>{error instanceof Error ? error.message : String(error)}</Coded></Text>
      <Group mt="xs" gap="md">
        {retry && <Button size="xs" variant="default" onClick={() => void retry()}>{t.tryAgain}</Button>}
        {e?.requestId && <Text size="xs">{t.requestId('')}<Code>{e.requestId}</Code></Text>}
      </Group>
    </Alert>
  )
}

/**
 * Refused shows a refusal for want of a permission as such, what is not there as that,
 * and all else as a failure. What the server says of the permission and of who gives
 * it counts before permission and who.
 */
export function Refused({ error, what, permission, who, retry }: { error: unknown; what: string; permission: string; who?: string; retry?: () => unknown }) {
  if (isApiError(error, 'PERMISSION_DENIED')) {
    const grantors = error.metadata['grantors'] ? list(error.metadata['grantors'].split('; ')) : who
    return <NotAllowed permission={error.metadata['permission'] ?? permission} {...(grantors ? { who: grantors } : {})} />
  }
  if (isApiError(error, 'NOT_FOUND')) return <Empty kind="nothing" title={texts.common.gone}>{texts.common.goneHint}</Empty>
  return <Failure error={error} what={what} {...(retry ? { retry } : {})} />
}
