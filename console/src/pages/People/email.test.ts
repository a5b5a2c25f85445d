import { expect, test } from 'vitest'
import { judge, wellFormed } from './email'

const anna = { email: 'Anna@acme.example' }

test.each(['a@b.example', ' a.b@c.d.example '])('%s can be an address', (e) => expect(wellFormed(e)).toBe(true))
test.each(['', 'a', 'a@b', '@b.example', 'a b@c.example', 'a@@b.example'])('%s cannot', (e) => expect(wellFormed(e)).toBe(false))

test('an address is taken whatever its case', () => {
  expect(judge('anna@ACME.example', [anna], true).error).toMatch(/registered already/)
})

test('a domain that nobody has is noted, and allowed', () => {
  expect(judge('x@other.example', [], false)).toEqual({ hint: expect.stringContaining('other.example') })
  expect(judge('x@acme.example', [anna], true)).toEqual({})
})

test('nothing is said before anything is typed, nor of the address that one has', () => {
  expect(judge('', [], false)).toEqual({})
  expect(judge('anna@acme.example', [anna], true, 'anna@acme.example')).toEqual({})
})
