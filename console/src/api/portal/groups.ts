import { get, query } from '../client'
import type { MemberJson } from '../gen/pemba/portal/v1/common_pb'
import type { GetGroupResponseJson, ListGroupsResponseJson, ListJobTitlesResponseJson, ListUsesResponseJson } from '../gen/pemba/portal/v1/groups_pb'
import { path, useRead } from './lists'
import { somePeople } from './people'
import { personName } from './words'

export const useGroup = (id: string, enabled = true) =>
  useRead<GetGroupResponseJson>(['group', id], path('groups', id), enabled)

export const useGroupUses = (id: string, enabled = true) =>
  useRead<ListUsesResponseJson>(['group-uses', id], path('groups', id, 'uses'), enabled)

/** someGroups finds a few groups by what was typed. */
export const someGroups = async (search: string, signal: AbortSignal): Promise<MemberJson[]> =>
  ((await get<ListGroupsResponseJson>(path('groups') + query({ search, 'paging.size': 20 }), { signal })).groups ?? []).map((g) => ({ group: g.id ?? '', name: g.name ?? '' }))

const someTitles = async (search: string, signal: AbortSignal): Promise<MemberJson[]> =>
  ((await get<ListJobTitlesResponseJson>(path('job-titles') + query({ search }), { signal })).jobTitles ?? []).slice(0, 20).map((j) => ({ jobTitle: j.id ?? '', name: j.name ?? '' }))

/** peopleAsMembers finds a few people by what was typed. */
export const peopleAsMembers = async (search: string, signal: AbortSignal): Promise<MemberJson[]> =>
  (await somePeople(search, signal)).map((u) => ({ user: u.id ?? '', name: personName(u), email: u.email ?? '', active: u.state !== 'USER_STATE_DEACTIVATED' }))

/** someMembers finds whoever may be in a group: people, groups, holders of job titles. */
export const someMembers = async (search: string, signal: AbortSignal): Promise<MemberJson[]> =>
  (await Promise.all([peopleAsMembers(search, signal), someGroups(search, signal), someTitles(search, signal)])).flat()
