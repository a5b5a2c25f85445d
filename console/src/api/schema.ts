import { useQuery } from '@tanstack/react-query'
import { post } from './client'
import { isApiError } from './errors'
import { consistency } from './freshness'
import type { ReflectionTypeReferenceJson, ReflectSchemaResponseJson } from './gen/authzed/api/v1/schema_service_pb'

/** Relation is a relation of a definition with the kinds of subjects it takes. */
export type Relation = { name: string; subjects: { type: string; relation: string; wildcard: boolean; caveat: string }[]; expires: boolean }
export type Definition = { name: string; relations: Relation[]; permissions: string[] }
export type Caveat = { name: string; parameters: { name: string; type: string }[]; expression: string }

/** Outline is what a schema declares, for choosing from. */
export type Outline = { definitions: Definition[]; caveats: Caveat[]; token: string }

const subjectOf = (t: ReflectionTypeReferenceJson) => ({
  type: t.subjectDefinitionName ?? '', relation: t.optionalRelationName ?? '', wildcard: t.isPublicWildcard ?? false, caveat: t.optionalCaveatName ?? '',
})

export function outline(r: ReflectSchemaResponseJson): Outline {
  return {
    definitions: (r.definitions ?? []).map((d) => ({
      name: d.name ?? '',
      relations: (d.relations ?? []).map((x) => ({ name: x.name ?? '', subjects: (x.subjectTypes ?? []).map(subjectOf), expires: false })),
      permissions: (d.permissions ?? []).map((x) => x.name ?? ''),
    })),
    caveats: (r.caveats ?? []).map((c) => ({
      name: c.name ?? '', expression: c.expression ?? '', parameters: (c.parameters ?? []).map((x) => ({ name: x.name ?? '', type: x.type ?? '' })),
    })),
    token: r.readAt?.token ?? '',
  }
}

/** useOutline gives what the live schema declares; undefined data and no error: there is no schema yet. */
export const useOutline = () =>
  useQuery({
    queryKey: ['schema', 'outline'],
    queryFn: async ({ signal }): Promise<Outline> => {
      try {
        return outline(await post<ReflectSchemaResponseJson>('/v1/schema/reflectschema', { consistency: consistency() }, { signal }))
      } catch (e) {
        if (isApiError(e, 'NOT_FOUND')) return { definitions: [], caveats: [], token: '' }
        throw e
      }
    },
    staleTime: 60_000,
  })

export const definitionOf = (o: Outline | undefined, type: string): Definition | undefined => o?.definitions.find((d) => d.name === type)

/** membersOf are the relations and permissions of a type: what can be asked for. */
export function membersOf(o: Outline | undefined, type: string): string[] {
  const d = definitionOf(o, type)
  return d ? [...d.permissions, ...d.relations.map((r) => r.name)] : []
}
