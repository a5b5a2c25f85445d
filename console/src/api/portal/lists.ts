// How pages of the portal read lists and make changes.
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { get, query, type Query } from '../client'
import { takesAway } from '../errors'
import type { PageJson } from '../gen/pemba/portal/v1/common_pb'

type Paged = { page?: PageJson }

/**
 * kept makes an error only of what leaves nothing to show: nothing was read yet, or
 * what was is refused or gone by now. What merely could not be read again stays, and
 * the banner of the shell says that it may be old.
 */
export function kept<Q extends { isError: boolean; data: unknown; error: unknown }>(q: Q): Q {
  if (!q.isError || q.data === undefined) return q
  if (takesAway(q.error)) return { ...q, data: undefined, isLoadingError: true, isRefetchError: false }
  return { ...q, status: 'success', isSuccess: true, isError: false, isRefetchError: false, error: null }
}

/** useRead reads one answer; key is what it is known by. */
export const useRead = <R>(key: readonly unknown[], at: string, enabled = true) =>
  kept(useQuery({ queryKey: ['portal', ...key], enabled, queryFn: ({ signal }) => get<R>(at, { signal }) }))

/** usePaged reads a list page by page; pick takes the rows of an answer. */
export function usePaged<R extends Paged, T>(path: string, params: Query, pick: (answer: R) => readonly T[] | undefined, enabled = true) {
  const list = kept(useInfiniteQuery({
    queryKey: ['portal', path, params],
    queryFn: ({ pageParam, signal }) => get<R>(path + query({ 'paging.size': 100, ...params, 'paging.cursor': pageParam }), { signal }),
    initialPageParam: '',
    getNextPageParam: (last) => last.page?.next || undefined,
    placeholderData: (before) => before,
    enabled,
  }))
  const first = list.data?.pages[0]
  const rows = list.data?.pages.flatMap((p) => pick(p) ?? []) ?? []
  return {
    ...list,
    first,
    rows,
    // A list that is not counted says 0.
    total: rows.length > 0 && !Number(first?.page?.total ?? 0) ? undefined : first?.page && Number(first.page.total ?? 0),
    more: () => void list.fetchNextPage(),
  }
}

/**
 * useChange makes a change and lets everything of the portal be read again, but
 * for what is gone with it: its pages are still open when it is deleted.
 */
export function useChange<V = void, R = unknown>(change: (variables: V) => Promise<R>, gone = '') {
  const client = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSettled: (_, error) => Promise.all([
      client.invalidateQueries({ queryKey: ['portal'], predicate: (q) => !gone || !!error || !q.queryKey.some((k) => typeof k === 'string' && k.includes(gone)) }),
      client.invalidateQueries({ queryKey: ['me'] }),
    ]),
  })
}

/** path makes an address of parts that may hold anything. */
export const path = (...parts: string[]): string => '/portal/v1/' + parts.map(encodeURIComponent).join('/')
