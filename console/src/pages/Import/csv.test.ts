import { describe, expect, test } from 'vitest'
import { cells, columns, guess, parts, records, separator } from './csv'

describe('records', () => {
  test('lines are records, whatever ends them, and empty ones are none', () => {
    expect(records('a,b\r\n1,2\n\n3,4')).toEqual([{ text: 'a,b', line: 1 }, { text: '1,2', line: 2 }, { text: '3,4', line: 4 }])
  })
  test('a line end in quotes does not end a record', () => {
    expect(records('a\n"x\ny"\nz')).toEqual([{ text: 'a', line: 1 }, { text: '"x\ny"', line: 2 }, { text: 'z', line: 4 }])
  })
  test('a doubled quote is inside of quotes', () => {
    expect(records('"a ""b\n"" c"\nd').map((r) => r.line)).toEqual([1, 3])
  })
})

test('cells are cut at commas outside of quotes', () => {
  expect(cells('a,"b,c","d ""e""",')).toEqual(['a', 'b,c', 'd "e"', ''])
})

describe('guess', () => {
  test('columns are known by their names', () => {
    expect(guess(['E-Mail', 'First name', 'Last name', 'Manager e-mail', 'Position', 'Shoe size'], {}))
      .toEqual({ 'E-Mail': 'email', 'First name': 'given_name', 'Last name': 'surname', 'Manager e-mail': 'manager_email', Position: 'job_title' })
  })
  test('what was chosen before counts more than the name', () => {
    expect(guess(['mail', 'login'], { login: 'email' })).toEqual({ mail: 'email' })
    expect(guess(['login'], { login: 'email' })).toEqual({ login: 'email' })
  })
  test('no two columns are the same thing', () => {
    expect(guess(['email', 'other mail'], {})).toEqual({ email: 'email' })
  })
})

test('each part has the head line, and knows where its rows stand in the file', () => {
  const all = records('h\n"1\n1"\n2\n\n3')
  expect(parts(all, 2).map((p) => p.csv)).toEqual(['h\n"1\n1"\n2\n', 'h\n3\n'])
  expect(parts(all, 2).map((p) => [...p.lines])).toEqual([[[2, 2], [4, 4]], [[2, 6]]])
  expect(parts([], 2)).toEqual([])
})

test('semicolons separate where there are no commas', () => {
  expect(separator('a;b')).toBe(';')
  expect(separator('a,b;c')).toBe(',')
  expect(cells('a;"b;c"', ';')).toEqual(['a', 'b;c'])
})

test('a mark of the byte order is no part of the first column', () => {
  expect(records('\ufeffemail\nx')[0]?.text).toBe('email')
})

test('the server is told of every column, also of those that are left out', () => {
  expect(columns(['mail ', 'shoe'], { mail: 'email' })).toEqual({ mail: 'email', shoe: '' })
})
