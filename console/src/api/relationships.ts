import { useMutation, useQueryClient } from '@tanstack/react-query'
import { post } from './client'
import type { RelationshipJson } from './gen/authzed/api/v1/core_pb'
import type { RelationshipUpdateJson, RelationshipUpdate_OperationJson } from './gen/authzed/api/v1/core_pb'
import type { DeleteRelationshipsResponseJson, PreconditionJson, RelationshipFilterJson, WriteRelationshipsResponseJson } from './gen/authzed/api/v1/permission_service_pb'

export type Operation = 'create' | 'touch' | 'delete'
const operations: Record<Operation, RelationshipUpdate_OperationJson> = { create: 'OPERATION_CREATE', touch: 'OPERATION_TOUCH', delete: 'OPERATION_DELETE' }

export const update = (operation: Operation, relationship: RelationshipJson): RelationshipUpdateJson => ({ operation: operations[operation], relationship })

type Write = { updates: RelationshipUpdateJson[]; preconditions?: PreconditionJson[] }

/** what a write makes old: everything that was asked of relationships. */
export const answers = [['relationships'], ['explain'], ['ids'], ['history'], ['assertions']] as const

function useForget(): () => Promise<void> {
  const client = useQueryClient()
  return async () => {
    await Promise.all(answers.map((queryKey) => client.invalidateQueries({ queryKey })))
  }
}

/** useWrite writes relationships, all or none. */
export function useWrite() {
  const forget = useForget()
  return useMutation({
    mutationFn: (w: Write) => post<WriteRelationshipsResponseJson>('/v1/relationships/write', { updates: w.updates, optionalPreconditions: w.preconditions ?? [] }),
    onSuccess: forget,
  })
}

/** useBulkDelete deletes what a filter selects, at most limit of it in one transaction. */
export function useBulkDelete() {
  const forget = useForget()
  return useMutation({
    mutationFn: (d: { filter: RelationshipFilterJson; limit: number }) =>
      post<DeleteRelationshipsResponseJson>('/v1/relationships/delete', { relationshipFilter: d.filter, optionalLimit: d.limit, optionalAllowPartialDeletions: true }),
    onSuccess: forget,
  })
}
