import type { GetPoliciesResponseJson, ListAuthenticatorsResponseJson, ListClientsResponseJson } from '../gen/pemba/portal/v1/settings_pb'
import { path, useRead } from './lists'

export const usePolicies = () =>
  useRead<GetPoliciesResponseJson>(['policies'], path('policies'))

export const useAuthenticators = () =>
  useRead<ListAuthenticatorsResponseJson>(['authenticators'], path('authenticators'))

export const useClients = () =>
  useRead<ListClientsResponseJson>(['clients'], path('clients'))
