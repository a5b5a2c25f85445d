import { useQuery } from '@tanstack/react-query'
import { post, stream } from './client'
import type { ListBackupsResponseJson, TakeBackupResponseJson, VerifyBackupResponseJson } from './gen/pemba/console/v1/backups_pb'

const path = '/pemba/console/v1/backups/'

export const useBackups = () => useQuery({ queryKey: ['backups'], queryFn: ({ signal }) => post<ListBackupsResponseJson>(path + 'list', {}, { signal }) })
export const takeBackup = (signal: AbortSignal) => stream<TakeBackupResponseJson>('POST', path + 'take', {}, { signal })
export const verifyBackup = (name: string, signal: AbortSignal) => stream<VerifyBackupResponseJson>('POST', path + 'verify', { name }, { signal })
