import type { ImportRowJson, ImportUsersResponseJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { parts, type CsvRecord, type Part } from './csv'

/** Options are what the file means, and what may be done. */
export type Options = { columns: Record<string, string>; update: boolean; invite: boolean }

/** State is how far an import is. */
export type State = { rows: ImportRowJson[]; sent: number; total: number; finished: boolean; stopped: boolean }

const works = (row: ImportRowJson): boolean => row.result === 'RESULT_CREATED' || row.result === 'RESULT_CHANGED'

/** worth leaves the head line and the records that the dry run found something to do for. */
export function worth(all: readonly CsvRecord[], judged: readonly ImportRowJson[]): CsvRecord[] {
  const lines = new Set(judged.filter(works).map((r) => r.line))
  return all.filter((r, i) => i === 0 || lines.has(r.line))
}

/** wrong leaves the rows that were not, or would not be, imported. */
export const wrong = (rows: readonly ImportRowJson[]): ImportRowJson[] => rows.filter((r) => r.result === 'RESULT_ERROR')

/** inFile gives the rows of a part the lines that they have in the file. */
export const inFile = (part: Part, rows: readonly ImportRowJson[]): ImportRowJson[] =>
  rows.map((r) => ({ ...r, line: part.lines.get(r.line ?? 0) ?? r.line ?? 0 }))

/**
 * sendAll imports records part by part and tells how far it is. It ends early when it
 * is stopped, or with the error of a part that was refused as a whole.
 */
export async function sendAll(all: readonly CsvRecord[], size: number, send: (csv: string) => Promise<ImportUsersResponseJson>, tell: (s: State) => void, signal: AbortSignal): Promise<State> {
  const todo = parts(all, size)
  let state: State = { rows: [], sent: 0, total: todo.reduce((n, p) => n + p.rows, 0), finished: false, stopped: false }
  tell(state)
  for (const part of todo) {
    if (signal.aborted) break
    const answer = await send(part.csv)
    state = { ...state, rows: [...state.rows, ...inFile(part, answer.rows ?? [])], sent: state.sent + part.rows }
    tell(state)
  }
  state = { ...state, finished: true, stopped: state.sent < state.total }
  tell(state)
  return state
}

export type Counts = Record<'created' | 'changed' | 'unchanged' | 'failed', number>

/** tally counts rows by what became of them. */
export function tally(rows: readonly ImportRowJson[]): Counts {
  const n = (result: ImportRowJson['result']) => rows.filter((r) => r.result === result).length
  return { created: n('RESULT_CREATED'), changed: n('RESULT_CHANGED'), unchanged: n('RESULT_UNCHANGED'), failed: n('RESULT_ERROR') }
}
