import { useCallback, useSyncExternalStore } from 'react'
import { Alert, Button, Group } from '@mantine/core'
import { notifyManager, useQuery, useQueryClient } from '@tanstack/react-query'
import { isApiError, takesAway } from '../api/errors'
import { meQuery } from '../api/me'
import { texts } from '../lib/texts'

const t = texts.common

/** ReadOnlyBanner stands above every page while nothing can be changed, the server is gone, or what is shown could not be read again. */
export function ReadOnlyBanner() {
  const client = useQueryClient()
  const { data, error } = useQuery(meQuery)
  const old = useOld()
  if (isApiError(error, 'UNAVAILABLE')) return <Banner title={t.offline} />
  if (data?.readOnly) return <Banner title={`${t.readOnly}: ${data.readOnly}`} />
  if (!old) return null
  return (
    <Alert color="yellow" role="status" variant="light" className="app-banner">
      <Group gap="md">{t.old(old)}<Button size="xs" variant="default" onClick={() => void client.refetchQueries({ queryKey: ['portal'], type: 'active' })}>{t.tryAgain}</Button></Group>
    </Alert>
  )
}

const Banner = ({ title }: { title: string }) => <Alert color="red" role="status" title={title} variant="light" className="app-banner" />

/** useOld is why something of the portal that is shown could not be read again; empty: all could. */
function useOld(): string {
  const cache = useQueryClient().getQueryCache()
  return useSyncExternalStore(
    useCallback((changed) => cache.subscribe(notifyManager.batchCalls(changed)), [cache]),
    () => cache.findAll({ type: 'active', queryKey: ['portal'], predicate: ({ state: { data, error } }) => data !== undefined && error !== null && !takesAway(error) && !isApiError(error, 'UNAUTHENTICATED') })[0]?.state.error?.message ?? '',
  )
}
