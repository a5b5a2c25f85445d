import { expect, test } from 'vitest'
import { how, idOf, kindOf, quoted, tree } from './access'

const line = (resource: string, service: 'SERVICE_MODELER' | 'SERVICE_AI', role: string, name = resource) => ({ resource, service, role, resourceName: name })

test('a service holds its subscription first and then its workspaces by name', () => {
  const got = tree([
    line('model:2', 'SERVICE_MODELER', 'editor', 'Zebra'), line('model:1', 'SERVICE_MODELER', 'owner', 'Claims'),
    line('project:1', 'SERVICE_AI', 'developer'), line('subscription:m', 'SERVICE_MODELER', 'user', 'Modeler'),
  ])
  expect(got.map((b) => b.places.map((p) => p.name))).toEqual([['Modeler', 'Claims', 'Zebra'], ['project:1']])
})

test('several ways to one place stand together', () => {
  const [branch] = tree([line('model:1', 'SERVICE_MODELER', 'editor'), line('model:1', 'SERVICE_MODELER', 'contributor')])
  expect(branch?.places).toHaveLength(1)
  expect(branch?.places[0]?.lines.map((l) => l.role)).toEqual(['editor', 'contributor'])
})

test('the way is said in words', () => {
  expect(how({ how: 'direct', role: 'editor' })).toBe('direct')
  expect(how({ how: 'group', role: 'editor', through: { group: 'g', name: 'Analysts' } })).toContain('Analysts')
  expect(how({ how: 'inherited', role: 'owner', inheritedFrom: 'subscription:acme-modeler' })).toContain('acme-modeler')
})

test('an object is a kind and an id, which may have colons', () => {
  expect([kindOf('model:a:b'), idOf('model:a:b')]).toEqual(['model', 'a:b'])
})

test('the name of a group is what is quoted', () => {
  expect(['the group “Analysts”', 'the group “a “b” c”', 'group:x', undefined].map(quoted)).toEqual(['Analysts', 'a “b” c', 'group:x', ''])
})
