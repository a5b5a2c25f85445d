import { expect, test } from 'vitest'
import { actionsOn } from './rowActions'

const nothing = () => undefined
const doing = { onEdit: nothing, onInvite: nothing, onActivate: nothing, onDeactivate: nothing }
const labels = (allowed: string[], open?: () => void) => actionsOn({ allowed }, { ...doing, ...(open ? { onOpen: open } : {}) }).map((a) => a.label)

test('what is not allowed is not there', () => {
  expect(labels([])).toEqual([])
  expect(labels(['deactivate', 'edit'])).toEqual(['Edit', 'Deactivate'])
})

test('opening needs no permission of the row', () => {
  expect(labels([], nothing)).toEqual(['Open'])
})

test('what takes away is marked', () => {
  expect(actionsOn({ allowed: ['deactivate'] }, doing)).toMatchObject([{ danger: true }])
})
