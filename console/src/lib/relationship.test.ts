import { expect, test } from 'vitest'
import { filterText, parseFilter, toRequest } from './filter'
import { parseRelationship, parseSubject, relationshipText, shortened, TextFault } from './relationship'

test.each([
  'model:claims#editor@user:maria',
  'model:claims#editor@group:staff#member',
  'document:plan#viewer@user:*',
  'app/document:a/b|c-d_e=f+g#viewer@user:x',
  'document:plan#viewer@user:ana[office_hours:{"zone":"+02:00"}]',
  'document:plan#viewer@user:ana[office_hours][expiration:2030-01-31T12:00:00Z]',
  'document:plan#viewer@user:ana[expiration:2030-01-31T12:00:00Z]',
])('%s reads and prints', (text) => {
  expect(relationshipText(parseRelationship(text))).toBe(text)
})

test.each([
  ['model:claims', 'the “#” before'],
  ['model:claims#editor', 'the “@” before'],
  ['claims#editor@user:x', 'no “:”'],
  ['model:#editor@user:x', 'the id is missing'],
  ['model:a b#editor@user:x', 'not an id'],
  ['Model:a#editor@user:x', 'name of a type'],
  ['model:a#Editor@user:x', 'name of a relation'],
  ['model:a#editor@user:*#member', 'wildcard'],
  ['model:a#editor@user:x[c:{"a":]', 'after the subject'],
  ['model:a#editor@user:x[cav:{"a":}]', 'not JSON'],
  ['model:a#editor@user:x[expiration:soon]', 'not a moment'],
])('%s is refused: %s', (text, why) => {
  expect(() => parseRelationship(text)).toThrow(TextFault)
  expect(() => parseRelationship(text)).toThrow(why)
})

test.each([
  ['model:sg7vn6qedubgu7n3y7i6qxpymj#edit@user:erqnbyiw6e3xlvgnwtodhdz7gu#member', 'model:sg7vn6…pymj#edit@user:erqnby…z7gu#member'],
  ['model:claims#subscription->member', 'model:claims#subscription->member'],
  ['document:plan#viewer@user:ana[expiration:2030-01-31T12:00:00Z]', 'document:plan#viewer@user:ana[expiration:2030-01-31T12:00:00Z]'],
])('%s has its long ids shortened', (text, short) => {
  expect(shortened(text)).toBe(short)
})

test('the relation ... is none', () => {
  expect(parseSubject('user:x#...')).toEqual({ object: { objectType: 'user', objectId: 'x' } })
})

test.each(['model', 'model:claims', 'model:cl%#editor', 'model#editor@user:maria', '@user:maria', '@group:staff#member', 'model@user#...', ''])('filter %s reads and prints', (text) => {
  expect(filterText(parseFilter(text))).toBe(text)
})

test('a filter becomes a request', () => {
  expect(toRequest(parseFilter('model:cl%#editor@group:staff#member'))).toEqual({
    resourceType: 'model', optionalResourceIdPrefix: 'cl', optionalRelation: 'editor',
    optionalSubjectFilter: { subjectType: 'group', optionalSubjectId: 'staff', optionalRelation: { relation: 'member' } },
  })
  expect(toRequest(parseFilter('@user#...'))).toEqual({ optionalSubjectFilter: { subjectType: 'user', optionalRelation: { relation: '' } } })
})

test.each([':x', '@#member', 'Model', 'model#Ed'])('filter %s is refused', (text) => {
  expect(() => parseFilter(text)).toThrow(TextFault)
})
