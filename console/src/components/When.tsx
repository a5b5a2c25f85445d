import { Text } from '@mantine/core'
import { ago, moment, utc } from '../lib/format'
import { texts } from '../lib/texts'

/** When shows a moment of the API in the time of the browser; its hint says it in UTC. */
export function When({ at, none = texts.company.never }: { at: string | undefined; none?: string }) {
  if (!at) return <Text span size="sm" c="dimmed">{none}</Text>
  const d = new Date(at)
  return <time dateTime={at} title={utc(d)}>{moment(d)}</time>
}

/** Ago shows a moment of the API relative to now; its hint says which it is. */
export function Ago({ at, now }: { at: string; now: Date }) {
  const d = new Date(at)
  return <time dateTime={at} title={moment(d)}>{ago(d, now)}</time>
}
