import { expect, test } from 'vitest'
import { sameAssertion, withAssertion } from './assertions'

const text = 'document:a#view@user:b'
const from = (ip: string, port = 1) => ({ text, expected: 'ANSWER_YES' as const, context: { ip, port } })

test('an assertion takes the place of the one that asks the same', () => {
  const plain = { text, expected: 'ANSWER_NO' as const }
  expect(withAssertion([plain, from('1'), from('2')], { text, expected: 'ANSWER_YES', context: { port: 1, ip: '1' } })).toEqual([plain, from('2'), from('1')])
  expect(withAssertion([from('1')], plain)).toEqual([from('1'), plain])
  expect(withAssertion([plain], { ...plain, context: {} })).toHaveLength(1)
})

test('what was asked is told from what stands there now', () => {
  expect(sameAssertion(from('1'), { ...from('1'), note: 'another' })).toBe(true)
  expect(sameAssertion(from('1'), { ...from('1'), expected: 'ANSWER_NO' })).toBe(false)
  expect(sameAssertion(from('1'), from('1', 2))).toBe(false)
})
