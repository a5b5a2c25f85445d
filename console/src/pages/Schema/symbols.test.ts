import { expect, test } from 'vitest'
import type { SymbolJson } from '../../api/gen/pemba/console/v1/schema_tools_pb'
import { grouped, parentOf, symbolAt } from './symbols'

const symbols: SymbolJson[] = [
  { kind: 'KIND_DEFINITION', name: 'user', nameRange: { from: 11, to: 15 }, used: [{ from: 60, to: 64 }] },
  { kind: 'KIND_DEFINITION', name: 'model', nameRange: { from: 30, to: 35 } },
  { kind: 'KIND_RELATION', name: 'owner', parent: 1, nameRange: { from: 50, to: 55 } },
]

test('a name is found where it is declared and where it is used', () => {
  expect(symbolAt(symbols, 13)?.name).toBe('user')
  expect(symbolAt(symbols, 62)?.name).toBe('user')
  expect(symbolAt(symbols, 20)).toBeUndefined()
  const owner = symbols[2]
  expect(owner && parentOf(symbols, owner)?.name).toBe('model')
})

test('a filter keeps what matches with what it belongs to', () => {
  expect(grouped(symbols, '').map((g) => [g.head.name, g.members.length])).toEqual([['user', 0], ['model', 1]])
  expect(grouped(symbols, 'own').map((g) => g.head.name)).toEqual(['model'])
})
