import { useEffect, useRef, useState } from 'react'
import { Button, Group, Stack, Text } from '@mantine/core'
import { countMatches } from '../../api/browse'
import { useBulkDelete } from '../../api/relationships'
import { saved } from '../../components/Announcer'
import { Failure } from '../../components/Failure'
import { filterText, toRequest, type Filter } from '../../lib/filter'
import { count } from '../../lib/format'
import { texts } from '../../lib/texts'

const t = texts.relationships
const most = 10_000 // that are counted
const batch = 1000

type State = { phase: 'counting' | 'ready' | 'deleting'; n: number; error?: unknown }

/** BulkDelete counts what a filter selects, and deletes it in batches that can be stopped. */
export function BulkDelete({ filter, onDone }: { filter: Filter; onDone: () => void }) {
  const [state, setState] = useState<State>({ phase: 'counting', n: 0 })
  const remove = useBulkDelete()
  const stop = useRef(false)
  const text = filterText(filter)
  useEffect(() => {
    const ctl = new AbortController()
    countMatches(filter, most + 1, (n) => setState({ phase: 'counting', n }), ctl.signal)
      .then((n) => setState({ phase: 'ready', n }), (error: unknown) => { if (!ctl.signal.aborted) setState({ phase: 'ready', n: 0, error }) })
    return () => ctl.abort()
    // The filter is what its text says.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [text])
  useEffect(() => () => { stop.current = true }, []) // nobody looks any more
  const run = async () => {
    let n = 0
    stop.current = false
    setState({ phase: 'deleting', n })
    try {
      for (;;) {
        const r = await remove.mutateAsync({ filter: toRequest(filter), limit: batch })
        n += Number(r.relationshipsDeletedCount ?? 0)
        setState({ phase: 'deleting', n })
        if (r.deletionProgress !== 'DELETION_PROGRESS_PARTIAL' || stop.current) break
      }
      saved(stop.current ? t.bulkStopped(count(n)) : t.bulkDone(n))
      onDone()
    } catch (error) {
      setState({ phase: 'ready', n, error })
    }
  }
  return (
    <Stack>
      <Text className="app-mono" size="sm">{text}</Text>
      <Text role="status">
        {state.phase === 'counting' && t.counting(count(state.n))}
        {state.phase === 'ready' && !state.error && t.bulkEffect(Math.min(state.n, most), state.n > most)}
        {state.phase === 'deleting' && t.bulkProgress(count(state.n))}
      </Text>
      {state.phase === 'ready' && !state.error && <Text size="sm">{t.deleteEffect}</Text>}
      {state.error !== undefined && <Failure error={state.error} what={t.bulk} />}
      <Group justify="flex-end">
        <Button variant="default" data-autofocus onClick={() => (state.phase === 'deleting' ? (stop.current = true) : onDone())}>{state.phase === 'deleting' ? texts.common.stop : texts.common.cancel}</Button>
        <Button color="red" disabled={state.phase === 'counting' || state.n === 0} loading={state.phase === 'deleting'} onClick={() => void run()}>{t.delete}</Button>
      </Group>
    </Stack>
  )
}
