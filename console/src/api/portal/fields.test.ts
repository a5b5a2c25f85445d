import { expect, test } from 'vitest'
import { ApiError } from '../errors'
import { faults } from './fields'

const known = ['email', 'givenName', 'failures']
const error = (details: object[]) => new ApiError({ code: 3, message: 'it is wrong', details: details as never }, '', 400)
const info = (field: string) => ({ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', metadata: { field } })

test('the field that the server names gets its message', () => {
  expect(faults(error([info('given_name')]), known)).toEqual({ givenName: 'it is wrong' })
  expect(faults(error([info('policies.failures')]), known)).toEqual({ failures: 'it is wrong' })
  expect(faults(new ApiError({ code: 3, message: 'policies.failures: 1 is not from 3 to 100', details: [info('policies.failures')] as never }, '', 400), known)).toEqual({ failures: '1 is not from 3 to 100' })
})

test('violations have a text each', () => {
  const violations = { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field: 'email', description: 'taken' }, { field: 'given_name', description: 'empty' }] }
  expect(faults(error([violations]), known)).toEqual({ email: 'taken', givenName: 'empty' })
})

test('what is about no field of the form stays with the form', () => {
  expect(faults(error([info('other')]), known)).toEqual({})
  expect(faults(error([]), known)).toEqual({})
  expect(faults(new TypeError('x'), known)).toEqual({})
})
