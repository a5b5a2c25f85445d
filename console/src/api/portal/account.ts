import type { GetFirstRunResponseJson, GetMeResponseJson, ListMyTokensResponseJson, ListSessionsResponseJson } from '../gen/pemba/portal/v1/session_pb'
import { path, useRead } from './lists'

export const useMySelf = () =>
  useRead<GetMeResponseJson>(['myself'], path('me'))

export const useMySessions = () =>
  useRead<ListSessionsResponseJson>(['my-sessions'], path('me', 'sessions'))

export const useMyTokens = () =>
  useRead<ListMyTokensResponseJson>(['my-tokens'], path('me', 'tokens'))

/** useFirstRun tells whether the installation waits for its first company. */
export const useFirstRun = () => useRead<GetFirstRunResponseJson>(['first-run'], path('first-run'))
