import { expect, test } from 'vitest'
import { runAll, type Item, type Progress } from './bulk'

const people = (n: number): Item[] => Array.from({ length: n }, (_, i) => ({ id: `${i}`, name: `Person ${i}` }))
const quiet = () => undefined

test('all are done, as many at a time as may be', async () => {
  const sizes: number[] = []
  const p = await runAll(people(5), 2, async (part) => sizes.push(part.length), quiet, new AbortController().signal)
  expect(sizes).toEqual([2, 2, 1])
  expect(p).toMatchObject({ done: 5, failed: [], finished: true, stopped: false })
})

test('one that fails does not spoil the others of its part', async () => {
  const act = async (part: Item[]) => {
    if (part.some((i) => i.id === '1')) throw new Error('the last owner')
  }
  const p = await runAll(people(4), 4, act, quiet, new AbortController().signal)
  expect(p.done).toBe(3)
  expect(p.failed).toEqual([{ item: { id: '1', name: 'Person 1' }, reason: 'the last owner' }])
})

test('stopping leaves what is not begun, and says so', async () => {
  const stop = new AbortController()
  const seen: Progress[] = []
  const p = await runAll(people(3), 1, async () => stop.abort(), (x) => seen.push(x), stop.signal)
  expect(p).toMatchObject({ done: 1, finished: true, stopped: true })
  expect(seen[0]).toMatchObject({ done: 1, finished: false })
})

test('nothing to do is done', async () => {
  expect(await runAll([], 10, async () => undefined, quiet, new AbortController().signal)).toMatchObject({ finished: true, stopped: false })
})
