import { useMutation } from '@tanstack/react-query'
import { post } from './client'
import { consistency } from './freshness'
import type { CheckSandboxResponseJson, ExportSandboxResponseJson, ImportSandboxResponseJson, RunSandboxResponseJson, SandboxFilesJson, StartSandboxResponseJson } from './gen/pemba/console/v1/sandbox_pb'
import type { Files } from '../schema/sandboxExample'

const path = '/pemba/console/v1/sandbox/'

export const filesOf = (f: SandboxFilesJson | undefined): Files => ({
  schemaText: f?.schemaText ?? '', relationships: f?.relationships ?? '', assertions: f?.assertions ?? '', expectedRelations: f?.expectedRelations ?? '',
})

export const useRunSandbox = () => useMutation({ mutationFn: (files: Files) => post<RunSandboxResponseJson>(path + 'run', { files }) })
export const useStartSandbox = () => useMutation({ mutationFn: () => post<StartSandboxResponseJson>(path + 'start', { consistency: consistency() }) })
export const useImportSandbox = () => useMutation({ mutationFn: (file: string) => post<ImportSandboxResponseJson>(path + 'import', { file }) })
export const useExportSandbox = () => useMutation({ mutationFn: (files: Files) => post<ExportSandboxResponseJson>(path + 'export', { files }) })

export const checkSandbox = (files: Files, text: string, signal: AbortSignal) =>
  post<CheckSandboxResponseJson>(path + 'check', { files, text, remedies: 3 }, { signal })
