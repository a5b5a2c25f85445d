import { Alert } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { isApiError } from '../api/errors'
import { meQuery } from '../api/me'
import { texts } from '../lib/texts'

const t = texts.common

/** ReadOnlyBanner stands above every page while nothing can be changed, or the server is gone. */
export function ReadOnlyBanner() {
  const { data, error } = useQuery(meQuery)
  const gone = isApiError(error, 'UNAVAILABLE')
  if (!gone && !data?.readOnly) return null
  return <Alert color="red" role="status" title={gone ? t.offline : `${t.readOnly}: ${data?.readOnly ?? ''}`} variant="light" className="app-banner" />
}
