import { get, query } from '../client'
import type { GetDiagramResponseJson } from '../gen/pemba/portal/v1/diagrams_pb'
import type { GetWorkspaceResponseJson, ListAccessResponseJson, PreviewWorkspaceResponseJson, SearchCandidatesResponseJson } from '../gen/pemba/portal/v1/workspaces_pb'
import { path, useRead } from './lists'

export const useWorkspace = (id: string, enabled = true) =>
  useRead<GetWorkspaceResponseJson>(['workspace', id], path('workspaces', id), enabled)

export const useAccess = (id: string) =>
  useRead<ListAccessResponseJson>(['access', id], path('workspaces', id, 'access'))

export const useDeletion = (id: string, enabled: boolean) =>
  useRead<PreviewWorkspaceResponseJson>(['deletion', id], path('workspaces', id, 'delete'), enabled)

export const searchCandidates = (id: string, search: string, signal: AbortSignal) =>
  get<SearchCandidatesResponseJson>(path('workspaces', id, 'candidates') + query({ search, limit: 20 }), { signal })

export const useDiagram = (id: string) =>
  useRead<GetDiagramResponseJson>(['diagram', id], path('diagrams', id))
