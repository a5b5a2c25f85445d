import { useQuery } from '@tanstack/react-query'
import { get, query } from '../client'
import type { GetSubscriptionResponseJson, ListSubscriptionsResponseJson, PreviewRemovalResponseJson, SearchResponseJson } from '../gen/pemba/portal/v1/subscriptions_pb'
import { path } from './lists'

export const useSubscriptions = () =>
  useQuery({ queryKey: ['portal', 'subscriptions'], queryFn: ({ signal }) => get<ListSubscriptionsResponseJson>(path('subscriptions'), { signal }) })

export const useSubscription = (id: string) =>
  useQuery({ queryKey: ['portal', 'subscription', id], queryFn: ({ signal }) => get<GetSubscriptionResponseJson>(path('subscriptions', id), { signal }) })

/** searchPool finds who may be included. */
export const searchPool = async (id: string, search: string, signal: AbortSignal) =>
  (await get<SearchResponseJson>(path('subscriptions', id, 'pool') + query({ search, groups: true, limit: 20 }), { signal })).members ?? []

export type Removal = PreviewRemovalResponseJson
