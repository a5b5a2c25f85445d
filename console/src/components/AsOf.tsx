import { Button, Group, Switch, Text, Tooltip } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { post } from '../api/client'
import type { ResolveRevisionResponseJson } from '../api/gen/pemba/v1/revision_service_pb'
import { clock, count } from '../lib/format'
import { texts } from '../lib/texts'

type Props = {
  /** token is of the answer that is shown; time is when it came. */
  token: string | undefined
  time: number
  busy: boolean
  onRefresh: () => unknown
  full?: boolean
  onFull?: (full: boolean) => void
}

/** AsOf says how old what is shown may be, and lets one ask again. */
export function AsOf({ token, time, busy, onRefresh, full, onFull }: Props) {
  const t = texts.common
  const revision = useQuery({
    queryKey: ['revision', token],
    queryFn: ({ signal }) => post<ResolveRevisionResponseJson>('/pemba/v1/revisions/resolve', { token: { token } }, { signal }),
    enabled: !!token,
    staleTime: Infinity,
  })
  const at = new Date(time)
  return (
    <Group gap="md" wrap="wrap">
      <Text size="sm" c="dimmed">
        {time > 0 ? <>{t.asOf} <time dateTime={at.toISOString()}>{clock(at)}</time></> : t.loading}
        {revision.data && `, ${t.revision(count(revision.data.revision ?? 0))}`}
      </Text>
      <Button size="compact-sm" variant="default" loading={busy} onClick={() => void onRefresh()}>{t.refresh}</Button>
      {onFull && (
        <Tooltip label={t.fullHint} multiline w={260} withArrow>
          <Switch size="sm" label={t.full} checked={full ?? false} onChange={(e) => onFull(e.currentTarget.checked)} />
        </Tooltip>
      )}
    </Group>
  )
}
