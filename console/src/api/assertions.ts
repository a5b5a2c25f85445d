import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { post } from './client'
import { consistency } from './freshness'
import type {
  AssertionSetJson, DeleteAssertionsResponseJson, ListAssertionsResponseJson, RunAssertionsResponseJson, SaveAssertionsRequestJson, SaveAssertionsResponseJson,
} from './gen/pemba/console/v1/assertions_pb'

const path = '/pemba/console/v1/assertions/'

async function all(signal: AbortSignal): Promise<AssertionSetJson[]> {
  const sets: AssertionSetJson[] = []
  let cursor: ListAssertionsResponseJson['afterResultCursor']
  do {
    const page: ListAssertionsResponseJson = await post(path + 'list', { consistency: consistency(), ...(cursor ? { optionalCursor: cursor } : {}) }, { signal })
    sets.push(...(page.sets ?? []))
    cursor = page.afterResultCursor ?? undefined
  } while (cursor)
  return sets
}

/** useAssertions gives the sets of assertions that are kept. */
export const useAssertions = () => useQuery({ queryKey: ['assertions', 'sets'], queryFn: ({ signal }) => all(signal) })

/** useRunAssertions asks them all at one revision. */
export const useRunAssertions = () => useMutation({ mutationFn: () => post<RunAssertionsResponseJson>(path + 'run', { consistency: consistency() }) })

export function useSaveAssertions() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (r: SaveAssertionsRequestJson) => post<SaveAssertionsResponseJson>(path + 'save', r),
    onSuccess: () => client.invalidateQueries({ queryKey: ['assertions'] }),
  })
}

export function useDeleteAssertions() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (name: string) => post<DeleteAssertionsResponseJson>(path + 'delete', { name }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['assertions'] }),
  })
}
