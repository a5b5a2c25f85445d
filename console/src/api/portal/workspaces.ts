import { useQuery } from '@tanstack/react-query'
import { get, query } from '../client'
import type { GetDiagramResponseJson } from '../gen/pemba/portal/v1/diagrams_pb'
import type { GetWorkspaceResponseJson, ListAccessResponseJson, PreviewWorkspaceResponseJson, SearchCandidatesResponseJson } from '../gen/pemba/portal/v1/workspaces_pb'
import { path } from './lists'

export const useWorkspace = (id: string, enabled = true) =>
  useQuery({ queryKey: ['portal', 'workspace', id], enabled, queryFn: ({ signal }) => get<GetWorkspaceResponseJson>(path('workspaces', id), { signal }) })

export const useAccess = (id: string) =>
  useQuery({ queryKey: ['portal', 'access', id], queryFn: ({ signal }) => get<ListAccessResponseJson>(path('workspaces', id, 'access'), { signal }) })

export const useDeletion = (id: string, enabled: boolean) =>
  useQuery({ queryKey: ['portal', 'deletion', id], enabled, queryFn: ({ signal }) => get<PreviewWorkspaceResponseJson>(path('workspaces', id, 'delete'), { signal }) })

export const searchCandidates = (id: string, search: string, signal: AbortSignal) =>
  get<SearchCandidatesResponseJson>(path('workspaces', id, 'candidates') + query({ search, limit: 20 }), { signal })

export const useDiagram = (id: string) =>
  useQuery({ queryKey: ['portal', 'diagram', id], queryFn: ({ signal }) => get<GetDiagramResponseJson>(path('diagrams', id), { signal }) })
