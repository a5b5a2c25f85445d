import { expect, test } from 'vitest'
import { records } from './csv'
import { sendAll, tally, worth, type State } from './run'

const file = records('email\na@x\nb@x\n\nc@x\nd@x\n')
const created = (csv: string) => ({ rows: csv.trim().split('\n').slice(1).map((email, i) => ({ line: i + 2, email, result: 'RESULT_CREATED' as const })) })

test('only what the dry run found something to do for is sent', () => {
  const judged = [{ line: 2, result: 'RESULT_ERROR' as const }, { line: 3, result: 'RESULT_CREATED' as const }, { line: 5, result: 'RESULT_UNCHANGED' as const }, { line: 6, result: 'RESULT_CHANGED' as const }]
  expect(worth(file, judged).map((r) => r.text)).toEqual(['email', 'b@x', 'd@x'])
})

test('rows keep the lines that they have in the file', async () => {
  const end = await sendAll(file, 2, async (csv) => created(csv), () => undefined, new AbortController().signal)
  expect(end.rows.map((r) => [r.email, r.line])).toEqual([['a@x', 2], ['b@x', 3], ['c@x', 5], ['d@x', 6]])
  expect(end).toMatchObject({ sent: 4, total: 4, finished: true, stopped: false })
})

test('stopping keeps what was done', async () => {
  const stop = new AbortController()
  const seen: State[] = []
  const send = async (csv: string) => {
    stop.abort()
    return created(csv)
  }
  const end = await sendAll(file, 2, send, (s) => seen.push(s), stop.signal)
  expect(end).toMatchObject({ sent: 2, stopped: true })
  expect(seen[0]).toMatchObject({ sent: 0, total: 4 })
})

test('rows are counted by what became of them', () => {
  expect(tally([{ result: 'RESULT_CREATED' }, { result: 'RESULT_ERROR' }, { result: 'RESULT_ERROR' }])).toEqual({ created: 1, changed: 0, unchanged: 0, failed: 2 })
})
