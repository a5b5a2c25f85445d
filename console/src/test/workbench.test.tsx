import { screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { answer, lines, refused, serveWith, visit } from './page'

const server = serveWith()
const user = (id: string) => ({ object: { objectType: 'user', objectId: id }, optionalRelation: '' })
const relationship = (id: string) => ({ resource: { objectType: 'model', objectId: 'claims' }, relation: 'editor', subject: user(id), optionalCaveat: null, optionalExpiresAt: null })

const check = '/workbench/check?subject=user%3Amaria&permission=edit&resource=model%3Aclaims'
const explain = '/pemba/v1/permissions/explain'

test('relationships: nothing chosen asks for a type first', async () => {
  visit('/workbench/relationships')
  expect(await screen.findByText('Choose what to look at')).toBeVisible()
  expect(await screen.findByRole('button', { name: 'model' })).toBeVisible()
})

test('relationships: rows, and their number', async () => {
  server.use(lines('/v1/relationships/read', ['maria', 'ben'].map((id) => ({ readAt: { token: 't' }, relationship: relationship(id), afterResultCursor: { token: 'c' } }))))
  visit('/workbench/relationships?filter=model')
  expect(await screen.findByText('user:maria')).toBeVisible()
  expect(screen.getByText('2 rows')).toBeVisible()
  expect(screen.getByRole('table', { name: 'Relationships' })).toHaveAttribute('aria-rowcount', '3')
})

test('relationships: nothing matches', async () => {
  server.use(lines('/v1/relationships/read', []))
  visit('/workbench/relationships?filter=model%3Anone')
  expect(await screen.findByText('No relationship matches')).toBeVisible()
})

test('relationships: a failure says what, with the request id', async () => {
  server.use(answer('/v1/relationships/read', refused(13, 'the disk is on fire'), 500))
  visit('/workbench/relationships?filter=model')
  expect(await screen.findByText('the disk is on fire')).toBeVisible()
  expect(screen.getByText('r-1')).toBeVisible()
  expect(screen.getByRole('button', { name: 'Try again' })).toBeVisible()
})

test('relationships: what is not allowed is not a failure', async () => {
  server.use(answer('/v1/relationships/read', refused(7, 'no'), 403))
  visit('/workbench/relationships?filter=model')
  expect(await screen.findByText('You may not see this')).toBeVisible()
})

test('check: a grant is said in a word and a sentence', async () => {
  server.use(answer(explain, {
    checkedAt: { token: 't' }, permissionship: 'PERMISSIONSHIP_HAS_PERMISSION',
    steps: [
      { kind: 'KIND_SET', permissionship: 'PERMISSIONSHIP_HAS_PERMISSION', resource: { objectType: 'model', objectId: 'claims' }, relation: 'edit', children: [1] },
      { kind: 'KIND_RELATIONSHIP', permissionship: 'PERMISSIONSHIP_HAS_PERMISSION', stored: true, relationship: relationship('maria'), answeredBy: null, children: [] },
    ],
  }))
  visit(check)
  expect(await screen.findByText('✓ Granted')).toBeVisible()
  expect(screen.getByText('user:maria is editor of model:claims.')).toBeVisible()
  expect(screen.getAllByRole('treeitem')).toHaveLength(2)
  expect(await screen.findByText(/revision 42/)).toBeVisible()
})

test('check: a refusal offers what would turn it', async () => {
  server.use(answer(explain, {
    checkedAt: { token: 't' }, permissionship: 'PERMISSIONSHIP_NO_PERMISSION', steps: [{ kind: 'KIND_SET', permissionship: 'PERMISSIONSHIP_NO_PERMISSION' }],
    remedies: [{ changes: [{ operation: 'OPERATION_TOUCH', relationship: relationship('maria') }] }],
  }))
  visit(check)
  expect(await screen.findByText('✕ Not granted')).toBeVisible()
  expect(screen.getByRole('button', { name: 'Add: add model:claims#editor@user:maria' })).toBeVisible()
})

test('check: a limit is no answer, and says which', async () => {
  server.use(answer(explain, { checkedAt: { token: 't' }, undecided: 'deeper than 50 steps', steps: [{ kind: 'KIND_SET' }] }))
  visit(check)
  expect(await screen.findByText('! There is no answer')).toBeVisible()
  expect(screen.getByText('deeper than 50 steps')).toBeVisible()
})

test('check: what it depends on is named', async () => {
  server.use(answer(explain, {
    checkedAt: { token: 't' }, permissionship: 'PERMISSIONSHIP_CONDITIONAL_PERMISSION', partialCaveatInfo: { missingRequiredContext: ['ip', 'hour'] }, steps: [{ kind: 'KIND_SET' }],
  }))
  visit(check)
  expect(await screen.findByText('? Depends on ip and hour')).toBeVisible()
})

test('who can: conditional ones and everybody are marked', async () => {
  server.use(lines('/v1/permissions/subjects', [
    { lookedUpAt: { token: 't' }, subject: { subjectObjectId: 'maria', permissionship: 'LOOKUP_PERMISSIONSHIP_CONDITIONAL_PERMISSION', partialCaveatInfo: { missingRequiredContext: ['ip'] } } },
    { lookedUpAt: { token: 't' }, subject: { subjectObjectId: '*', permissionship: 'LOOKUP_PERMISSIONSHIP_HAS_PERMISSION' }, excludedSubjects: [{ subjectObjectId: 'ben' }] },
  ]))
  visit('/workbench/who?resource=model%3Aclaims&permission=edit&subject=user')
  expect(await screen.findByText('depends on ip')).toBeVisible()
  expect(screen.getByText('everybody but 1')).toBeVisible()
  expect(screen.getByText('2 found')).toBeVisible()
})

test('an address that does not exist says so', async () => {
  visit('/no/such')
  expect(await screen.findByRole('heading', { level: 1, name: 'There is no such page' })).toBeVisible()
})
