import { expect, test } from 'vitest'
import { readFilter } from './filter'

test('an address is understood', () => {
  expect(readFilter({ search: 'anna', state: 'USER_STATE_ACTIVE', order: '-seen' })).toEqual({ search: 'anna', state: 'USER_STATE_ACTIVE', order: '-seen' })
  expect(readFilter({ search: 42 })).toEqual({ search: '42' })
})

test('what is emptied or makes no sense is not asked for', () => {
  expect(readFilter({ search: '', state: 'x', service: 1, role: 'king' })).toEqual({})
})
