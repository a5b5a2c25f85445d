import { expect, test } from 'vitest'
import { faultsOfCheck, faultsOfLookup } from './faults'

test('fields of a check', () => {
  expect(faultsOfCheck({})).toEqual({})
  expect(faultsOfCheck({ resource: 'model:claims', subject: 'user:*', context: '{"ip":"::1"}', at: '12' })).toEqual({})
  expect(Object.keys(faultsOfCheck({ resource: 'model', subject: 'user:', context: '{', at: 'zzz' }))).toEqual(['resource', 'subject', 'context', 'at'])
})

test('revisions are whole numbers from 1 on', () => {
  for (const at of ['1', '18446744073709551615']) expect(faultsOfCheck({ at })).toEqual({})
  for (const at of ['0', '-1', '1.5', '1e3', ' 7', '0x1', '184467440737095516160', '18446744073709551616']) expect(faultsOfCheck({ at }).at, at).toContain(at)
})

test('fields of a look-up', () => {
  expect(faultsOfLookup('who', { resource: 'model:claims', subject: 'user', at: '', vs: 'model:other', vsAt: '3' })).toEqual({})
  expect(faultsOfLookup('what', { resource: 'model', subject: 'user:anna', vs: 'group:all#member' })).toEqual({})
  expect(Object.keys(faultsOfLookup('who', { resource: 'model', vs: 'other', vsAt: 'x', at: 'y' }))).toEqual(['resource', 'vs', 'at', 'vsAt'])
  expect(Object.keys(faultsOfLookup('what', { subject: 'anna', vs: 'bea' }))).toEqual(['subject', 'vs'])
})
