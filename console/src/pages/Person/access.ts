// What somebody has access to, in the order of the company: services, what is in them,
// and each way that leads there.
import type { ServiceJson } from '../../api/gen/pemba/portal/v1/common_pb'
import type { AccessLineJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { memberName, roleLabel } from '../../api/portal/words'
import { texts } from '../../lib/texts'

const t = texts.company.person

export type Place = { resource: string; name: string; lines: AccessLineJson[] }
export type Branch = { service: ServiceJson; places: Place[] }

export const kindOf = (resource: string | undefined): string => resource?.split(':')[0] ?? ''
export const idOf = (resource: string | undefined): string => resource?.slice(resource.indexOf(':') + 1) ?? ''

/** quoted is the name alone in what the server calls an object: “Analysts” of the group “Analysts”. */
export const quoted = (name: string | undefined): string => /“(.*)”$/s.exec(name ?? '')?.[1] ?? name ?? ''

const depth = (p: Place): number => ['company', 'subscription'].includes(kindOf(p.resource)) ? 0 : 1

/** tree sorts lines into services and places: the subscription first, then its workspaces by name. */
export function tree(lines: readonly AccessLineJson[]): Branch[] {
  const services = new Map<ServiceJson, Map<string, Place>>()
  for (const line of lines) {
    const service = line.service ?? 'SERVICE_UNSPECIFIED'
    const places = services.get(service) ?? new Map<string, Place>()
    services.set(service, places)
    const resource = line.resource ?? ''
    const place = places.get(resource) ?? { resource, name: line.resourceName || resource, lines: [] }
    places.set(resource, place)
    place.lines.push(line)
  }
  return [...services].map(([service, places]) => ({ service, places: [...places.values()].sort((a, b) => depth(a) - depth(b) || a.name.localeCompare(b.name)) }))
}

/** how says in words by which way a line comes about. */
export function how(line: AccessLineJson): string {
  if (line.how === 'group') return t.through(memberName(line.through))
  if (line.how === 'inherited') return t.inherited(roleLabel(line.role), line.inheritedFrom ?? '')
  return t.direct
}
