import { useQuery } from '@tanstack/react-query'
import { post } from './client'
import { consistency } from './freshness'
import type { ConsistencyJson } from './gen/authzed/api/v1/permission_service_pb'
import type { ExplainResponseJson } from './gen/pemba/v1/explain_service_pb'
import type { ResolveRevisionResponseJson } from './gen/pemba/v1/revision_service_pb'
import { parseContext, parseObject, parseSubject } from '../lib/relationship'

/** Question is a check as it stands in an address. */
export type Question = { resource: string; permission: string; subject: string; context?: string; at?: string }

const nearestShown = 5

/** at makes the consistency of a read at a revision by its number; none: now. */
export async function at(revision: string | undefined, full: boolean, signal?: AbortSignal): Promise<ConsistencyJson> {
  if (!revision) return consistency(full)
  const r = await post<ResolveRevisionResponseJson>('/pemba/v1/revisions/resolve', { revision }, signal ? { signal } : {})
  return { atExactSnapshot: { token: r.token?.token ?? '' } }
}

/** useExplain answers a question with its reasons. */
export const useExplain = (q: Question | undefined, full: boolean) =>
  useQuery({
    queryKey: ['explain', q, full],
    queryFn: async ({ signal }) =>
      post<ExplainResponseJson>('/pemba/v1/permissions/explain', {
        consistency: await at(q?.at, full, signal),
        resource: parseObject(q?.resource ?? ''), permission: q?.permission, subject: parseSubject(q?.subject ?? ''),
        ...(q?.context ? { context: parseContext(q.context) } : {}), remedies: nearestShown,
      }, { signal }),
    enabled: q !== undefined,
    // What was asked before is no answer to this: only of the same question the old one is shown meanwhile.
    placeholderData: (old, before) => (before && JSON.stringify(before.queryKey[1]) === JSON.stringify(q) ? old : undefined),
  })
