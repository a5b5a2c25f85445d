import { queryOptions, useQuery } from '@tanstack/react-query'
import { get, post } from './client'
import { isApiError } from './errors'
import type { ServiceJson } from './gen/pemba/portal/v1/common_pb'
import type { GetMeResponse_AccessJson, GetMeResponseJson } from './gen/pemba/portal/v1/session_pb'
import type { StatusResponseJson } from './gen/pemba/v1/cluster_pb'

export type Access = 'none' | 'read' | 'write' | 'admin'

/** Me is who uses the console, and how far it is open. */
export type Me = {
  /** portal is whether the server has the Customer Portal at all. */
  portal: boolean
  /** session is whether somebody is signed in, and can sign out. */
  session: boolean
  person: { id: string; name: string; email: string } | undefined
  /** operator is the name of the key of an operator who came with one. */
  operator: string
  company: { id: string; name: string } | undefined
  /** permissions on the company, by their names in the schema. */
  permissions: string[]
  services: { id: string; service: ServiceJson; permissions: string[] }[]
  workbench: Access
  operations: Access
  build: string
  node: string
  /** readOnly is why nothing can be changed now; empty: it can. */
  readOnly: string
}

const levels: Record<GetMeResponse_AccessJson, Access> = {
  ACCESS_UNSPECIFIED: 'none', ACCESS_NONE: 'none', ACCESS_READ: 'read', ACCESS_WRITE: 'write', ACCESS_ADMIN: 'admin',
}

export function understand(m: GetMeResponseJson): Me {
  const p = m.person ?? undefined
  return {
    portal: m.portal ?? true,
    session: true,
    person: p?.id ? { id: p.id, name: [p.givenName, p.surname].filter(Boolean).join(' ') || (p.email ?? p.id), email: p.email ?? '' } : undefined,
    operator: m.operator ?? '',
    company: m.companyId ? { id: m.companyId, name: m.companyName || m.companyId } : undefined,
    permissions: m.companyPermissions ?? [],
    services: (m.services ?? []).map((s) => ({ id: s.subscriptionId ?? '', service: s.service ?? 'SERVICE_UNSPECIFIED', permissions: s.permissions ?? [] })),
    workbench: levels[m.workbench ?? 'ACCESS_NONE'],
    operations: levels[m.operations ?? 'ACCESS_NONE'],
    build: m.build ?? '',
    node: m.node ?? '',
    readOnly: m.readOnly ?? '',
  }
}

// A server without the portal: the workbench and the operations, as far as the
// server's own authentication lets a browser in.
async function withoutPortal(signal: AbortSignal): Promise<Me> {
  const me: Me = {
    portal: false, session: false, person: undefined, operator: '', company: undefined, permissions: [], services: [],
    workbench: 'admin', operations: 'admin', build: '', node: '', readOnly: '',
  }
  try {
    const status = await post<StatusResponseJson>('/pemba/v1/cluster/status', {}, { signal })
    const member = status.members?.find((m) => m.id === status.node)
    return { ...me, node: member?.name || status.node || '', build: member?.build ?? '', readOnly: status.notServing ?? '' }
  } catch (e) {
    if (isApiError(e, 'UNAVAILABLE')) return { ...me, readOnly: e.message }
    if (isApiError(e)) return me // the pages say what is refused
    throw e
  }
}

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }): Promise<Me> => {
    try {
      return understand(await get<GetMeResponseJson>('/portal/v1/me', { signal }))
    } catch (e) {
      if (isApiError(e, 'NOT_FOUND') || isApiError(e, 'UNIMPLEMENTED')) return withoutPortal(signal)
      throw e
    }
  },
  staleTime: 10_000,
  refetchInterval: 15_000,
  retry: false,
})

/** useMe gives who uses the console; pages below the shell always have it. */
export function useMe(): Me {
  const { data } = useQuery(meQuery)
  if (!data) throw new Error('useMe outside of the shell')
  return data
}

const order: Access[] = ['none', 'read', 'write', 'admin']
export const atLeast = (have: Access, need: Access): boolean => order.indexOf(have) >= order.indexOf(need)

/** may tells whether a permission on the company holds. */
export const may = (me: Me, permission: string): boolean => me.permissions.includes(permission)
