import type { GetMeResponseJson, ListMyTokensResponseJson, ListSessionsResponseJson } from '../gen/pemba/portal/v1/session_pb'
import { path, useRead } from './lists'

export const useMySelf = () =>
  useRead<GetMeResponseJson>(['myself'], path('me'))

export const useMySessions = () =>
  useRead<ListSessionsResponseJson>(['my-sessions'], path('me', 'sessions'))

export const useMyTokens = () =>
  useRead<ListMyTokensResponseJson>(['my-tokens'], path('me', 'tokens'))
