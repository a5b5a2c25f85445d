import { expect, test } from 'vitest'
import { joined, merge, usual, type Part } from './merge'

const shape = (parts: Part[]) => parts.map((p) => `${p.kind} ${p.at}`)
const auto = (parts: Part[]) => joined(parts, usual)

test('changes at different places are put together', () => {
  const parts = merge('a\nb\nc\nd\ne', 'a\nB\nc\nd\ne', 'a\nb\nc\nd\nE\nf')
  expect(shape(parts)).toEqual(['same 1', 'theirs 2', 'same 3', 'mine 5'])
  expect(auto(parts)).toBe('a\nB\nc\nd\nE\nf')
})

test('changes at one place are a conflict, which somebody settles', () => {
  const parts = merge('a\nb\nc', 'a\nx\nc', 'a\ny\nc')
  expect(shape(parts)).toEqual(['same 1', 'conflict 2', 'same 3'])
  expect(usual(parts[1] as Part)).toBeUndefined()
  expect(joined(parts, () => 'theirs')).toBe('a\nx\nc')
  expect(joined(parts, (p) => (p.kind === 'conflict' ? 'both' : 'mine'))).toBe('a\nx\ny\nc')
})

test('the same change of both is none', () => {
  expect(shape(merge('a\nb', 'a\nc', 'a\nc'))).toEqual(['same 1', 'both 2'])
  expect(auto(merge('', 'one\ntwo', ''))).toBe('one\ntwo')
})

/** numbers are the same in each run. */
function numbers(seed: number) {
  let n = seed
  return (below: number) => (n = (n * 1103515245 + 12345) % 2147483648) % below
}

test('whatever the texts are: one side alone is that side, and nothing else is taken', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const next = numbers(seed)
    const text = () => Array.from({ length: next(12) }, () => 'abcd'[next(4)] ?? '').join('\n')
    const edit = (t: string) => t.split('\n').flatMap((l) => [[l], [], [l, 'n'], ['r'], [l], [l]][next(6)] ?? []).join('\n')
    const base = text()
    const [theirs, mine] = next(2) ? [edit(base), edit(base)] : [text(), text()]
    const parts = merge(base, theirs, mine)
    const told = JSON.stringify({ seed, base, theirs, mine })
    expect(joined(parts, () => 'theirs'), told).toBe(theirs)
    expect(joined(parts, () => 'mine'), told).toBe(mine)
    expect(parts.flatMap((p) => p.base).join('\n'), told).toBe(base)
    expect(auto(merge(base, theirs, base)), told).toBe(theirs)
    expect(auto(merge(base, base, mine)), told).toBe(mine)
    expect(merge(base, mine, mine).some((p) => p.kind === 'conflict'), told).toBe(false)
  }
})

test('a long schema takes no time', () => {
  const base = Array.from({ length: 20_000 }, (_, i) => `line ${i}`)
  const theirs = base.map((l, i) => (i % 500 === 0 ? l + '!' : l))
  const parts = merge(base.join('\n'), theirs.join('\n'), base.concat('more').join('\n'))
  expect(parts.filter((p) => p.kind === 'theirs')).toHaveLength(40)
})

test('texts that have nothing in common are one conflict', () => {
  const lines = (of: string) => Array.from({ length: 5_000 }, (_, i) => `${of} ${i}`).join('\n')
  const parts = merge('first\n' + lines('a') + '\nlast', 'first\n' + lines('b') + '\nlast', 'first\n' + lines('c') + '\nlast')
  expect(shape(parts)).toEqual(['same 1', 'conflict 2', 'same 5002'])
})
