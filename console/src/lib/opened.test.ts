import { beforeEach, expect, test } from 'vitest'
import { byOpening, noteOpened, opened } from './opened'

beforeEach(() => localStorage.clear())

test('what was opened last comes first, each once, and of each person his own', () => {
  for (const id of ['a', 'b', 'c', 'a']) noteOpened('ada', id)
  noteOpened('ben', 'z')
  expect(opened('ada')).toEqual(['a', 'c', 'b'])
  expect(opened('ben')).toEqual(['z'])
  const rows = ['n1', 'b', 'n2', 'a'].map((id) => ({ id }))
  expect(byOpening(rows, opened('ada')).map((r) => r.id)).toEqual(['a', 'b', 'n1', 'n2'])
  expect(byOpening(rows, [])).toEqual(rows)
})

test('twenty are kept, and nothing of what is no list of ids', () => {
  for (let i = 0; i < 25; i++) noteOpened('ada', `w${i}`)
  expect(opened('ada')).toHaveLength(20)
  expect(opened('ada')[0]).toBe('w24')
  for (const kept of ['{', '{"a":1}', '[1,null]']) {
    localStorage.setItem('pemba.opened.ada', kept)
    expect(opened('ada')).toEqual([])
  }
})
