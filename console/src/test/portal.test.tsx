import { screen, waitFor } from '@testing-library/react'
import { expect, test } from 'vitest'
import { answer, refused, serveWith, visit } from './page'

const server = serveWith()
const me = { portal: true, person: { id: 'ada', givenName: 'Ada', surname: 'Min' }, companyId: 'acme', companyName: 'Acme', companyPermissions: ['manage_groups'], workbench: 'ACCESS_NONE', operations: 'ACCESS_NONE' }
const groups = '/portal/v1/groups'

/** lookAgain is what a page does when one comes back to its window. */
const lookAgain = () => window.dispatchEvent(new Event('visibilitychange'))

test('a list stays when it cannot be read again, and goes when it is refused', async () => {
  server.use(answer('/portal/v1/me', me), answer('/portal/v1/subscriptions', {}), answer(groups, { groups: [{ id: 'g', name: 'Night shift' }], page: {} }))
  visit('/groups')
  expect(await screen.findByText('Night shift')).toBeVisible()
  expect(screen.getByText('1 row')).toBeVisible()

  server.use(answer(groups, refused(13, 'the disk is on fire'), 500))
  lookAgain()
  expect(await screen.findByText(/What you see may be old.*the disk is on fire/)).toBeVisible()
  expect(screen.getByText('Night shift')).toBeVisible()

  const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'NOT_ALLOWED', metadata: { permission: 'manage_groups', grantors: 'Ben (ben@acme.example); Cai (cai@acme.example)' } }]
  server.use(answer(groups, { ...refused(7, 'you lack it'), details }, 403))
  lookAgain()
  expect(await screen.findByText('You may not see this')).toBeVisible()
  expect(screen.getByText(/manage_groups.*Ben \(ben@acme.example\) and Cai \(cai@acme.example\) can give it to you/)).toBeVisible()
  await waitFor(() => expect(screen.queryByText('Night shift')).toBeNull())
})

test('a page of what is not there is not called by what it does', async () => {
  server.use(answer('/portal/v1/me', me), answer('/portal/v1/groups/none', refused(5, 'there is no group "none"'), 404))
  visit('/groups/none')
  expect(await screen.findByText('It is not there')).toBeVisible()
  expect(screen.getByRole('heading', { level: 1, name: 'Group' })).toBeVisible()
})

test('home says what waits: invitations that nobody accepts, and services without an owner', async () => {
  const ago = (days: number) => new Date(Date.now() - days * 24 * 3600 * 1000).toISOString()
  server.use(
    answer('/portal/v1/me', { ...me, companyPermissions: ['list_users'], services: [{ subscriptionId: 'm', service: 'SERVICE_MODELER', permissions: ['view'] }] }),
    answer('/portal/v1/subscriptions', { subscriptions: [{ id: 'm', service: 'SERVICE_MODELER', users: 9, noActiveOwner: true, allowed: ['set_owner'] }] }),
    answer('/portal/v1/users', { users: [{ id: 'b', createdAt: ago(9) }, { id: 'c', createdAt: ago(8) }, { id: 'd', createdAt: ago(6) }], page: { total: '3' } }),
    answer('/portal/v1/workspaces', {}), answer('/portal/v1/my-processes', {}),
  )
  visit('/')
  expect(await screen.findByRole('link', { name: '2 people have not accepted an invitation for more than 7 days' })).toBeVisible()
  expect(await screen.findByRole('link', { name: 'Modeler has no active owner' })).toBeVisible()
})
