import { expect, test } from 'vitest'
import type { MemberJson } from '../../api/gen/pemba/v1/cluster_pb'
import { judge, warnings, whyNotRemove } from './health'

const member = (id: string, change: Partial<MemberJson> = {}): MemberJson => ({ id, name: id, voter: true, healthy: true, reachable: true, build: 'v1', since: '2026-01-01T09:00:00Z', ...change })

test('one sentence', () => {
  const members = [member('n1'), member('n2'), member('n3')]
  expect(judge({ leader: 'n1', failureTolerance: 1, members })).toEqual({ level: 'good', since: '2026-01-01T09:00:00Z', sentence: 'Healthy. Leader n1. Can lose 1 of 3 voters.' })
  expect(judge({ leader: 'n1', failureTolerance: 0, members: [member('n1'), member('n2'), member('n3', { healthy: false })] })).toMatchObject({ level: 'warning', sentence: 'Not healthy: n3. Leader n1. Can lose 0 of 3 voters.' })
  expect(judge({ members })).toMatchObject({ level: 'bad', sentence: 'No leader is known.' })
  expect(judge({ notServing: 'the cluster has no leader at the moment', members }).advice).toContain('Start the voters that are not reachable')
  expect(judge({ notServing: 'it was removed', leader: 'n1', members }).sentence).toContain('it was removed')
})

test('what is not wrong yet', () => {
  expect(warnings({ members: [member('n1'), member('n2')] })).toEqual([])
  const found = warnings({ members: [member('n1'), member('n2', { build: 'v2', clockSkew: '-2.5s' })] })
  expect(found).toEqual(['The members run different builds: v1 and v2.', 'Clocks differ by up to 2.5 s: n2.'])
})

test('a majority that is healthy has to remain', () => {
  const [a, b, c] = [member('n1'), member('n2'), member('n3', { healthy: false })]
  expect(whyNotRemove({ members: [a, b, c] }, c)).toBe('')
  expect(whyNotRemove({ members: [a, b, c] }, a)).not.toBe('')
  expect(whyNotRemove({ members: [a] }, a)).not.toBe('')
  expect(whyNotRemove({ members: [a, member('n4', { voter: false })] }, member('n4', { voter: false }))).toBe('')
})
