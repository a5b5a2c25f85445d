import { useMutation, useQuery } from '@tanstack/react-query'
import { post } from './client'
import { isApiError } from './errors'
import type { DescribeNodeResponseJson, ProfileRequest_KindJson, ProfileResponseJson, ReadLogResponseJson, ReadSeriesResponseJson, ReadSettingsResponseJson } from './gen/pemba/console/v1/node_pb'

const path = '/pemba/console/v1/node/'
const every = 5000 // milliseconds

/** absent tells whether a node does not have what was asked, for being older or asked elsewhere. */
export const absent = (e: unknown): boolean => isApiError(e, 'UNIMPLEMENTED') || isApiError(e, 'NOT_FOUND')

export const useSeries = () =>
  useQuery({ queryKey: ['node', 'series'], queryFn: ({ signal }) => post<ReadSeriesResponseJson>(path + 'series', {}, { signal }), refetchInterval: every, retry: false })

export const useNode = (node: string) =>
  useQuery({ queryKey: ['node', 'describe', node], queryFn: ({ signal }) => post<DescribeNodeResponseJson>(path + 'describe', node ? { optionalNode: node } : {}, { signal }), refetchInterval: every, retry: false })

export const useSettings = () =>
  useQuery({ queryKey: ['node', 'settings'], queryFn: ({ signal }) => post<ReadSettingsResponseJson>(path + 'settings', {}, { signal }) })

export const useLog = (node: string, level: string) =>
  useQuery({ queryKey: ['node', 'log', node, level], queryFn: ({ signal }) => post<ReadLogResponseJson>(path + 'log', { optionalNode: node, optionalLimit: 200, ...(level ? { level } : {}) }, { signal }), refetchInterval: every, retry: false })

export const useProfile = () =>
  useMutation({ mutationFn: (r: { node: string; kind: ProfileRequest_KindJson }) => post<ProfileResponseJson>(path + 'profile', { optionalNode: r.node, kind: r.kind }) })
