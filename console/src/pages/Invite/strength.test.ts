import { expect, it } from 'vitest'
import { strength } from './strength'

it('grows with length and variety', () => {
  expect(strength('')).toBe(0)
  expect(strength('aaaaaaaaaaaaaaaa')).toBe(0)
  expect(strength('password')).toBeLessThan(2)
  expect(strength('correct horse battery staple')).toBe(4)
})
