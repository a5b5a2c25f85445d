import { useInfiniteQuery } from '@tanstack/react-query'
import { stream } from './client'
import { consistency } from './freshness'
import type { RelationshipJson } from './gen/authzed/api/v1/core_pb'
import type { ConsistencyJson, ExportBulkRelationshipsResponseJson, ReadRelationshipsResponseJson } from './gen/authzed/api/v1/permission_service_pb'
import { filterText, selects, toRequest, type Filter } from '../lib/filter'

export type Batch = { rows: RelationshipJson[]; token: string; cursor: string }
const pageSize = 100

async function page(filter: Filter, from: { cursor: string; token: string } | undefined, full: boolean, signal: AbortSignal, limit = pageSize): Promise<Batch> {
  const at: ConsistencyJson = from ? { atExactSnapshot: { token: from.token } } : consistency(full)
  const lines = stream<ReadRelationshipsResponseJson>('POST', '/v1/relationships/read', {
    consistency: at, relationshipFilter: toRequest(filter), optionalLimit: limit, ...(from ? { optionalCursor: { token: from.cursor } } : {}),
  }, { signal })
  const batch: Batch = { rows: [], token: from?.token ?? '', cursor: '' }
  for await (const m of lines) {
    if (m.relationship) batch.rows.push(m.relationship)
    batch.token = m.readAt?.token ?? batch.token
    batch.cursor = m.afterResultCursor?.token ?? ''
  }
  return batch
}

/** useBrowse reads what a filter selects, page by page at one revision. */
export const useBrowse = (filter: Filter, full: boolean) =>
  useInfiniteQuery({
    queryKey: ['relationships', filterText(filter), full],
    queryFn: ({ pageParam, signal }) => page(filter, pageParam, full, signal),
    initialPageParam: undefined as { cursor: string; token: string } | undefined,
    getNextPageParam: (last) => (last.rows.length === pageSize && last.cursor ? { cursor: last.cursor, token: last.token } : undefined),
    enabled: selects(filter),
  })

const countSize = 1000 // the most that one read may ask for

/** countMatches counts what a filter selects, up to a limit; it tells how far it is. */
export async function countMatches(filter: Filter, limit: number, onCount: (n: number) => void, signal: AbortSignal): Promise<number> {
  let n = 0
  let from: { cursor: string; token: string } | undefined
  do {
    const batch = await page(filter, from, false, signal, countSize)
    n += batch.rows.length
    onCount(n)
    from = batch.rows.length === countSize && batch.cursor ? { cursor: batch.cursor, token: batch.token } : undefined
  } while (from && n < limit)
  return n
}

/** exportAll yields everything that a filter selects, in batches at one revision. */
export async function* exportAll(filter: Filter, signal: AbortSignal): AsyncGenerator<RelationshipJson[]> {
  const body = { consistency: consistency(), optionalLimit: 0, ...(filterText(filter) ? { optionalRelationshipFilter: toRequest(filter) } : {}) }
  let cursor: string | undefined
  do {
    let got = 0
    const lines = stream<ExportBulkRelationshipsResponseJson>('POST', '/v1/relationships/exportbulk', { ...body, ...(cursor ? { optionalCursor: { token: cursor } } : {}) }, { signal })
    cursor = undefined
    for await (const m of lines) {
      got += m.relationships?.length ?? 0
      cursor = m.afterResultCursor?.token ?? undefined
      yield m.relationships ?? []
    }
    if (got === 0) return
  } while (cursor)
}
