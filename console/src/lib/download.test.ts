import { expect, test } from 'vitest'
import { csv } from './download'

test('a cell is never a formula of a spreadsheet', () => {
  expect(csv([['=1+1', '+49', '-x', '@a', 'plain']])).toBe("'=1+1,'+49,'-x,'@a,plain\r\n")
})

test('quotes, commas and line ends stay inside their cell', () => {
  expect(csv([['a"b', 'c,d', 'e\nf']])).toBe('"a""b","c,d","e\nf"\r\n')
})
