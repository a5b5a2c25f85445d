import { expect, test } from 'vitest'
import { importAll, readLines } from './importer'

test('comments and empty lines are passed over, faults are told by line', () => {
  const { lines, faults } = readLines('// one\nmodel:a#editor@user:x\r\n\n# two\nmodel:b\n')
  expect(lines.map((l) => [l.number, l.text])).toEqual([[2, 'model:a#editor@user:x']])
  expect(faults).toHaveLength(1)
  expect(faults[0]?.item).toBe('5: model:b')
})

test('of a refused batch only what is at fault stays behind', async () => {
  const { lines } = readLines(['a', 'b', 'c', 'd', 'e'].map((id) => `model:m#editor@user:${id}`).join('\n'))
  const stored: string[] = []
  const send = async (batch: typeof lines) => {
    if (batch.some((l) => l.text.endsWith(':c'))) throw new Error('no')
    stored.push(...batch.map((l) => l.text.slice(-1)))
  }
  const got = await importAll(lines, 2, send, () => undefined, new AbortController().signal)
  expect(stored).toEqual(['a', 'b', 'd', 'e'])
  expect(got).toEqual({ done: 4, failed: [{ item: 'model:m#editor@user:c', reason: 'no' }] })
})

test('a stopped import sends nothing more', async () => {
  const { lines } = readLines('model:m#editor@user:a\nmodel:m#editor@user:b')
  const stop = new AbortController()
  let sent = 0
  await importAll(lines, 1, async () => { sent++; stop.abort() }, () => undefined, stop.signal)
  expect(sent).toBe(1)
})

test('an import that is stopped while a batch is refused ends', async () => {
  const { lines } = readLines('model:m#editor@user:a\nmodel:m#editor@user:b\nmodel:m#editor@user:c')
  const stop = new AbortController()
  let sent = 0
  const got = await importAll(lines, 2, async () => { if (++sent === 2) stop.abort(); throw new Error('no') }, () => undefined, stop.signal)
  expect(sent).toBe(2) // the batch, and the first line of it
  expect(got).toEqual({ done: 0, failed: [{ item: 'model:m#editor@user:a', reason: 'no' }] })
})
