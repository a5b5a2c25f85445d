import { get, post, query } from '../client'
import type { GetUserAccessResponseJson, GetUserResponseJson, ListUsersResponseJson, PreviewResponseJson, UserJson } from '../gen/pemba/portal/v1/people_pb'
import type { ListSessionsResponseJson } from '../gen/pemba/portal/v1/session_pb'
import { path, useChange, useRead } from './lists'
import { personName } from './words'

/** Filter is what a list of people may be limited by; names are those of the API. */
export type Filter = { search?: string; state?: string; service?: string; role?: string; order?: string }

export const useUser = (id: string, enabled = true) =>
  useRead<GetUserResponseJson>(['user', id], path('users', id), enabled)

export const useUserAccess = (id: string) =>
  useRead<GetUserAccessResponseJson>(['user-access', id], path('users', id, 'access'))

export const useUserSessions = (id: string, enabled: boolean) =>
  useRead<ListSessionsResponseJson>(['user-sessions', id], path('users', id, 'sessions'), enabled)

/** useDeactivation tells what deactivating would do. */
export const useDeactivation = (id: string | undefined) =>
  useRead<PreviewResponseJson>(['deactivation', id], path('users', id ?? '', 'deactivate'), !!id)

export const useActivate = () => useChange((u: UserJson) => post(path('users', u.id ?? '', 'activate'), {}))
export const useInvite = () => useChange((u: UserJson) => post(path('users', u.id ?? '', 'invite'), {}))

/** somePeople finds a few by what was typed. */
export const somePeople = async (search: string, signal: AbortSignal, size = 20): Promise<UserJson[]> =>
  (await get<ListUsersResponseJson>(path('users') + query({ search, 'paging.size': size }), { signal })).users ?? []

/** everyone collects all who fit a filter, page by page. */
export async function everyone(filter: Filter, signal: AbortSignal): Promise<UserJson[]> {
  const all: UserJson[] = []
  let cursor = ''
  do {
    const page = await get<ListUsersResponseJson>(path('users') + query({ ...filter, 'paging.cursor': cursor, 'paging.size': 1000 }), { signal })
    all.push(...(page.users ?? []))
    cursor = page.page?.next ?? ''
  } while (cursor)
  return all
}

export const userName = (u: UserJson | undefined): string => personName(u)
