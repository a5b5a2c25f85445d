import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { post } from './client'
import { isApiError } from './errors'
import { consistency } from './freshness'
import type {
  DescribeRelationResponseJson, DiagnoseSchemaResponseJson, DiffSchemasResponseJson, ListSchemasResponseJson, ReadSchemaResponseJson,
  ReviewSchemaResponseJson, WriteSchemaRequestJson, WriteSchemaResponseJson,
} from './gen/pemba/console/v1/schema_tools_pb'

const path = '/pemba/console/v1/schema/'

/** Live is the schema that counts; null: there is none. */
export type Live = { text: string; revision: string; token: string } | null

export const useLiveSchema = () =>
  useQuery({
    queryKey: ['schema', 'live'],
    queryFn: async ({ signal }): Promise<Live> => {
      try {
        const r = await post<ReadSchemaResponseJson>(path + 'read', { consistency: consistency() }, { signal })
        return { text: r.schemaText ?? '', revision: r.version?.revision ?? '', token: r.version?.writtenAt?.token ?? '' }
      } catch (e) {
        if (isApiError(e, 'NOT_FOUND')) return null
        throw e
      }
    },
    refetchInterval: 15_000,
  })

/** useDiagnosis has the compiler read a text. */
export const useDiagnosis = (text: string) =>
  useQuery({
    queryKey: ['diagnosis', text],
    queryFn: ({ signal }) => post<DiagnoseSchemaResponseJson>(path + 'diagnose', { schemaText: text }, { signal }),
    placeholderData: (old) => old,
    gcTime: 60_000,
    staleTime: Infinity,
  })

export const useReview = (text: string, enabled: boolean) =>
  useQuery({
    queryKey: ['schema', 'review', text],
    queryFn: ({ signal }) => post<ReviewSchemaResponseJson>(path + 'review', { schemaText: text, runAssertions: true }, { signal }),
    enabled,
    staleTime: 0,
  })

export const useSchemaHistory = () =>
  useInfiniteQuery({
    queryKey: ['schema', 'history'],
    queryFn: ({ signal, pageParam }) => post<ListSchemasResponseJson>(path + 'history', { consistency: consistency(), optionalLimit: 100, ...(pageParam ? { optionalCursor: pageParam } : {}) }, { signal }),
    initialPageParam: undefined as ListSchemasResponseJson['afterResultCursor'],
    getNextPageParam: (last) => last.afterResultCursor ?? undefined,
    select: (data) => data.pages.flatMap((p) => p.schemas ?? []),
  })

export const useSchemaText = (revision: string | undefined) =>
  useQuery({
    queryKey: ['schema', 'text', revision],
    queryFn: ({ signal }) => post<ReadSchemaResponseJson>(path + 'read', { consistency: consistency(), revision }, { signal }),
    enabled: !!revision,
  })

export const useSchemaDiff = (from: string | undefined, to: string | undefined) =>
  useQuery({
    queryKey: ['schema', 'diff', from, to],
    queryFn: ({ signal }) => post<DiffSchemasResponseJson>(path + 'diff', { consistency: consistency(), from: from ?? '0', to }, { signal }),
    enabled: !!to,
  })

export const useRelation = (definition: string, relation: string) =>
  useQuery({
    queryKey: ['schema', 'relation', definition, relation],
    queryFn: ({ signal }) => post<DescribeRelationResponseJson>(path + 'describe-relation', { definition, relation }, { signal }),
    enabled: !!definition && !!relation,
    retry: false,
  })

/** useWriteSchema replaces the schema that was seen; another one by then is a conflict. */
export function useWriteSchema() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (w: WriteSchemaRequestJson) => post<WriteSchemaResponseJson>(path + 'write', w),
    onSuccess: () => client.invalidateQueries(),
  })
}
