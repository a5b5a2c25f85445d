import { Alert } from '@mantine/core'
import { useMe } from '../api/me'
import { texts } from '../lib/texts'

/** ReadOnlyBanner stands above every page while nothing can be changed. */
export function ReadOnlyBanner() {
  const { readOnly } = useMe()
  if (!readOnly) return null
  return <Alert color="red" role="status" title={`${texts.common.readOnly}: ${readOnly}`} variant="light" className="app-banner" />
}
