import { expect, test } from 'vitest'
import { compare, how } from './how'
import { parseRelationship } from './relationship'
import { tree } from './steps'

const yes = 'PERMISSIONSHIP_HAS_PERMISSION' as const
const leaf = (text: string) => ({ kind: 'KIND_RELATIONSHIP' as const, permissionship: yes, stored: true, relationship: parseRelationship(text) })

test('a relationship of one’s own is direct', () => {
  expect(how(tree([{ kind: 'KIND_SET', permissionship: yes, children: [1] }, leaf('model:mm#owner@user:u1')]))).toBe('direct')
})

test('through a userset it is a group', () => {
  expect(how(tree([
    { kind: 'KIND_FOLLOW', permissionship: yes, stored: true, relationship: parseRelationship('model:mm#owner@group:g1#member'), children: [1] },
    leaf('group:g1#member@user:u1'),
  ]))).toBe('group')
})

test('through another object it is inherited', () => {
  expect(how(tree([
    { kind: 'KIND_ARROW', permissionship: yes, stored: true, relationship: parseRelationship('model:mm#parent@folder:f1'), children: [1] },
    leaf('folder:f1#owner@user:u1'),
  ]))).toBe('inherited')
})

test('nothing is none', () => {
  expect(how(undefined)).toBe('none')
})

test('two answers beside each other', () => {
  expect([...compare(['b', 'a'], ['b', 'c'])]).toEqual([['a', 'first'], ['b', 'both'], ['c', 'second']])
})
