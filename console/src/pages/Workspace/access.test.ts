import { describe, expect, it } from 'vitest'
import { changes, plan, sentences, type Pending } from './access'

const anna = { user: 'a', name: 'Anna Berg', email: 'a@x.example' }
const team = { group: 'g', name: 'Team' }
const entries = [{ member: anna, role: 'editor' }]
const none: Pending = new Map()

describe('what the share dialog collects', () => {
  it('replaces a role, and says which', () => {
    const p = plan(none, entries, anna, 'contributor')
    expect(changes(p, entries)).toEqual([{ member: { user: 'a' }, role: 'contributor', presentRole: 'editor' }])
    expect(sentences(p, entries)).toEqual(['Anna Berg: contributor instead of editor'])
  })
  it('forgets a change that leads back to what is', () => {
    const p = plan(plan(none, entries, anna, 'contributor'), entries, anna, 'editor')
    expect(p.size).toBe(0)
  })
  it('takes a role away', () => {
    const p = plan(none, entries, anna, '')
    expect(changes(p, entries)).toEqual([{ member: { user: 'a' }, role: '', presentRole: 'editor' }])
    expect(sentences(p, entries)).toEqual(['Anna Berg: not editor any more'])
  })
  it('gives a group a role, and forgets it when it is taken back', () => {
    const p = plan(none, entries, team, 'editor')
    expect(changes(p, entries)).toEqual([{ member: { group: 'g' }, role: 'editor', presentRole: '' }])
    expect(plan(p, entries, team, '').size).toBe(0)
  })
})
