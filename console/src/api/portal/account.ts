import { useQuery } from '@tanstack/react-query'
import { get } from '../client'
import type { GetMeResponseJson, ListMyTokensResponseJson, ListSessionsResponseJson } from '../gen/pemba/portal/v1/session_pb'
import { path } from './lists'

export const useMySelf = () =>
  useQuery({ queryKey: ['portal', 'myself'], queryFn: ({ signal }) => get<GetMeResponseJson>(path('me'), { signal }) })

export const useMySessions = () =>
  useQuery({ queryKey: ['portal', 'my-sessions'], queryFn: ({ signal }) => get<ListSessionsResponseJson>(path('me', 'sessions'), { signal }) })

export const useMyTokens = () =>
  useQuery({ queryKey: ['portal', 'my-tokens'], queryFn: ({ signal }) => get<ListMyTokensResponseJson>(path('me', 'tokens'), { signal }) })
