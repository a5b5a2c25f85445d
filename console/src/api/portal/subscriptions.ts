import { get, query } from '../client'
import type { GetSubscriptionResponseJson, ListSubscriptionsResponseJson, PreviewRemovalResponseJson, SearchResponseJson } from '../gen/pemba/portal/v1/subscriptions_pb'
import { path, useRead } from './lists'

export const useSubscriptions = () =>
  useRead<ListSubscriptionsResponseJson>(['subscriptions'], path('subscriptions'))

export const useSubscription = (id: string) =>
  useRead<GetSubscriptionResponseJson>(['subscription', id], path('subscriptions', id))

/** searchPool finds who may be included. */
export const searchPool = async (id: string, search: string, signal: AbortSignal) =>
  (await get<SearchResponseJson>(path('subscriptions', id, 'pool') + query({ search, groups: true, limit: 20 }), { signal })).members ?? []

export type Removal = PreviewRemovalResponseJson
