import { expect, test } from 'vitest'
import { changed } from './changed'

test('only what differs is sent', () => {
  expect(changed({ a: 'x', b: 'y' }, { a: ' x ', b: 'z' }, ['a', 'b'])).toEqual({ b: 'z' })
})

test('what is emptied is sent as empty', () => {
  expect(changed({ a: 'x' }, { a: '' }, ['a'])).toEqual({ a: '' })
})
