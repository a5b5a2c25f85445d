import { useEffect, useRef, useState } from 'react'
import { stream } from '../../api/client'
import type { RelationshipUpdateJson } from '../../api/gen/authzed/api/v1/core_pb'
import type { WatchResponseJson } from '../../api/gen/authzed/api/v1/watch_service_pb'
import { isEmpty, toRequest, type Filter } from '../../lib/filter'
import { texts } from '../../lib/texts'

export type Change = { id: number; time: number; update: RelationshipUpdateJson | undefined; schema: boolean }
export type Tail = { changes: Change[]; waiting: number; total: number; rate: number; running: boolean; error: unknown }

export const kept = 1000
const drawEvery = 200 // milliseconds
const rateOver = 5000 // milliseconds

/** useWatch tails the changes that a filter selects, none without one; while it is paused they wait, and the oldest are dropped. */
export function useWatch(filter: Filter | undefined, paused: boolean, round: number): Tail & { clear: () => void } {
  const [tail, setTail] = useState<Tail>({ changes: [], waiting: 0, total: 0, rate: 0, running: false, error: undefined })
  const hold = useRef(false)
  const reset = useRef<() => void>(null)
  const key = filter ? JSON.stringify(filter) : ''
  useEffect(() => {
    hold.current = paused
  }, [paused])
  useEffect(() => {
    if (!key) return
    const ctl = new AbortController()
    const asked = JSON.parse(key) as Filter
    let shown: Change[] = []
    let waiting: Change[] = []
    let arrivals: number[] = []
    let total = 0
    let error: unknown
    let running = true
    const add = (time: number, change: Pick<Change, 'update' | 'schema'>) => {
      waiting = [{ id: ++total, time, ...change }, ...waiting].slice(0, kept)
      arrivals.push(time)
    }
    const draw = () => {
      if (!hold.current) {
        shown = [...waiting, ...shown].slice(0, kept)
        waiting = []
      }
      const now = Date.now()
      arrivals = arrivals.filter((a) => now - a < rateOver)
      setTail({ changes: shown, waiting: waiting.length, total, rate: (arrivals.length * 1000) / rateOver, running, error })
    }
    reset.current = () => {
      shown = []
      waiting = []
      total = 0
      draw()
    }
    const timer = setInterval(draw, drawEvery)
    const run = async () => {
      const body = { optionalUpdateKinds: ['WATCH_KIND_INCLUDE_RELATIONSHIP_UPDATES', 'WATCH_KIND_INCLUDE_SCHEMA_UPDATES'], ...(isEmpty(asked) ? {} : { optionalRelationshipFilters: [toRequest(asked)] }) }
      for await (const m of stream<WatchResponseJson>('POST', '/v1/watch', body, { signal: ctl.signal })) {
        const now = Date.now()
        for (const update of m.updates ?? []) add(now, { update, schema: false })
        if (m.schemaUpdated) add(now, { update: undefined, schema: true })
      }
    }
    run().then(() => { error = new Error(texts.watch.ended) }).catch((e: unknown) => { if (!ctl.signal.aborted) error = e }).finally(() => { running = false; if (!ctl.signal.aborted) draw() })
    return () => {
      ctl.abort()
      clearInterval(timer)
    }
  }, [key, round])
  return { ...tail, clear: () => reset.current?.() }
}
