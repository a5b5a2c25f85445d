import { expect, test } from 'vitest'
import { utc } from '../../lib/format'
import { pretty } from './pretty'

test('JSON is indented, and other text is left alone', () => {
  expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}')
  expect(pretty('not JSON')).toBe('not JSON')
})

test('a moment in UTC', () => {
  expect(utc(new Date('2026-03-01T12:04:31.123456+02:00'))).toBe('2026-03-01 10:04:31 UTC')
})
