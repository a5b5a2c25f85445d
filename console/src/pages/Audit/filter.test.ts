import { expect, test } from 'vitest'
import { params, readAudit } from './filter'

test('an address is understood, and what makes no sense is left out', () => {
  expect(readAudit({ result: 'refused', since: '2026-03-01', action: 'user.' })).toEqual({ result: 'refused', since: '2026-03-01', action: 'user.' })
  expect(readAudit({ result: 'perhaps', since: 'yesterday', until: '2026-99-01' })).toEqual({})
})

test('days are whole, in the time of the browser', () => {
  const p = params({ since: '2026-03-01', until: '2026-03-01', record: '7', search: 'x' })
  expect(p).toEqual({ search: 'x', since: new Date(2026, 2, 1).toISOString(), until: new Date(2026, 2, 2).toISOString() })
})

test('an address without a filter asks for nothing', () => {
  expect(Object.keys(params(readAudit({ record: '7', result: 'perhaps' })))).toEqual([])
})
