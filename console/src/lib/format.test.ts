import { expect, test } from 'vitest'
import { ago, bytes, count, plural, seconds, span } from './format'

const now = new Date('2026-01-01T12:00:00Z')

test('numbers and their nouns', () => {
  expect([count(4212), plural(1, 'row'), plural('2000', 'row'), plural(0, 'entry', 'entries')]).toEqual(['4,212', '1 row', '2,000 rows', '0 entries'])
})

test('moments relative to now', () => {
  expect(['2026-01-01T11:59:50Z', '2026-01-01T09:00:00Z', '2026-01-03T12:00:00Z'].map((t) => ago(new Date(t), now))).toEqual(['10 seconds ago', '3 hours ago', 'in 2 days'])
})

test('sizes and lengths of time', () => {
  expect([0, 999, 1500, 68e9].map(bytes)).toEqual(['0 B', '999 B', '1.5 kB', '68 GB'])
  expect([0.00016, 0.25, 2.5, 45, 600, 10800, 1e6].map(span)).toEqual(['160 µs', '250 ms', '2.5 s', '45 s', '10 min', '3 h', '12 days'])
})

test('a duration that is missing is none, and not 0', () => {
  expect([seconds('1.5s'), seconds(undefined), seconds(null)]).toEqual([1.5, undefined, undefined])
})
