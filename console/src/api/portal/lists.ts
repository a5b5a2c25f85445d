// How pages of the portal read lists and make changes.
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { get, query, type Query } from '../client'
import type { PageJson } from '../gen/pemba/portal/v1/common_pb'

type Paged = { page?: PageJson }

/** usePaged reads a list page by page; pick takes the rows of an answer. */
export function usePaged<R extends Paged, T>(path: string, params: Query, pick: (answer: R) => readonly T[] | undefined, enabled = true) {
  const list = useInfiniteQuery({
    queryKey: ['portal', path, params],
    queryFn: ({ pageParam, signal }) => get<R>(path + query({ ...params, 'paging.cursor': pageParam, 'paging.size': 100 }), { signal }),
    initialPageParam: '',
    getNextPageParam: (last) => last.page?.next || undefined,
    placeholderData: (before) => before,
    enabled,
  })
  const first = list.data?.pages[0]
  return {
    ...list,
    first,
    rows: list.data?.pages.flatMap((p) => pick(p) ?? []) ?? [],
    total: first?.page?.total === undefined ? undefined : Number(first.page.total),
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
