import { useQuery } from '@tanstack/react-query'
import { post } from './client'
import type { StatusResponseJson } from './gen/pemba/v1/cluster_pb'

/** useCluster asks every member through the node that serves the page. */
export const useCluster = () =>
  useQuery({
    queryKey: ['cluster'],
    queryFn: ({ signal }) => post<StatusResponseJson>('/pemba/v1/cluster/status', {}, { signal }),
    refetchInterval: 5000,
  })
