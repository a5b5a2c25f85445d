import { expect, test } from 'vitest'
import { asLines, lines } from './lines'

test('a field takes one thing a line', () => {
  expect(lines(' example.com \n\nexample.org, example.net\n')).toEqual(['example.com', 'example.org', 'example.net'])
  expect(lines('')).toEqual([])
})

test('what is shown reads as the same', () => {
  for (const all of [[], ['a.example'], ['https://a.example/cb', 'https://b.example/cb']]) expect(lines(asLines(all))).toEqual(all)
})
