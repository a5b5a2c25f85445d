import { expect, test } from 'vitest'
import type { ExplainStepJson } from '../api/gen/pemba/v1/explain_service_pb'
import { parseRelationship, relationshipText } from './relationship'
import { deciding, tree, walk, way, type Step } from './steps'

const yes = 'PERMISSIONSHIP_HAS_PERMISSION' as const
const no = 'PERMISSIONSHIP_NO_PERMISSION' as const

// model:m#edit = owner + editor; editor is group:g#member, in which user:u is.
const list: ExplainStepJson[] = [
  { kind: 'KIND_SET', permissionship: yes, resource: { objectType: 'model', objectId: 'm' }, relation: 'edit', children: [1] },
  { kind: 'KIND_UNION', permissionship: yes, relation: 'owner + editor', children: [2, 3] },
  { kind: 'KIND_RELATIONSHIP', permissionship: no, relationship: parseRelationship('model:m#owner@user:u1') },
  { kind: 'KIND_FOLLOW', permissionship: yes, stored: true, relationship: parseRelationship('model:m#editor@group:g1#member'), children: [4] },
  { kind: 'KIND_SET', permissionship: yes, resource: { objectType: 'group', objectId: 'g1' }, relation: 'member', children: [5] },
  { kind: 'KIND_RELATIONSHIP', permissionship: yes, stored: true, relationship: parseRelationship('group:g1#member@user:u1') },
]

const ids = (s: Step | undefined): number[] => {
  const all: number[] = []
  if (s) walk(s, (x) => all.push(x.id))
  return all
}

test('the steps are tied together', () => {
  expect(ids(tree(list))).toEqual([0, 1, 2, 3, 4, 5])
  expect(tree([])).toBeUndefined()
})

test('a step that names one before it, or none, is passed over', () => {
  expect(ids(tree([{ children: [0, 7, 1] }, { children: [0] }]))).toEqual([0, 1])
})

test('of a grant, what was tried in vain is left out', () => {
  const root = tree(list)
  expect(root && ids(deciding(root))).toEqual([0, 1, 3, 4, 5])
})

test('of a refusal every step stays', () => {
  const root = tree(list.map((s) => ({ ...s, permissionship: no })))
  expect(root && ids(deciding(root))).toEqual([0, 1, 2, 3, 4, 5])
  expect(root && way(root)).toBeUndefined()
})

test('the shortest way is its relationships in order', () => {
  const root = tree(list)
  expect(root && way(root)?.relationships.map(relationshipText)).toEqual(['model:m#editor@group:g1#member', 'group:g1#member@user:u1'])
})
