import { useQuery } from '@tanstack/react-query'
import { get } from '../client'
import type { GetPoliciesResponseJson, ListAuthenticatorsResponseJson, ListClientsResponseJson } from '../gen/pemba/portal/v1/settings_pb'
import { path } from './lists'

export const usePolicies = () =>
  useQuery({ queryKey: ['portal', 'policies'], queryFn: ({ signal }) => get<GetPoliciesResponseJson>(path('policies'), { signal }) })

export const useAuthenticators = () =>
  useQuery({ queryKey: ['portal', 'authenticators'], queryFn: ({ signal }) => get<ListAuthenticatorsResponseJson>(path('authenticators'), { signal }) })

export const useClients = () =>
  useQuery({ queryKey: ['portal', 'clients'], queryFn: ({ signal }) => get<ListClientsResponseJson>(path('clients'), { signal }) })
