import { http, HttpResponse } from 'msw'
import { expect, test } from 'vitest'
import type { Me } from '../api/me'
import { serveWith } from '../test/page'
import { find } from './finders'

const server = serveWith()
const me: Me = {
  portal: true, session: true, person: { id: 'p', name: 'P', email: '' }, operator: '', company: { id: 'acme', name: 'Acme' }, permissions: ['list_users'],
  services: [{ id: 'acme-modeler', service: 'SERVICE_MODELER', permissions: ['access_portal'] }, { id: 'acme-bi', service: 'SERVICE_BI', permissions: [] }],
  workbench: 'none', operations: 'none', build: '', node: '', readOnly: '',
}
const asked: string[] = []
const answer = (path: string, body: object, status = 200) =>
  http.get('*' + path, ({ request }) => {
    asked.push(new URL(request.url).pathname + ' ' + new URL(request.url).searchParams.get('search'))
    return HttpResponse.json(body as Record<string, unknown>, { status })
  })
const signal = new AbortController().signal

test('people and workspaces are searched by the server, as far as one may', async () => {
  asked.length = 0
  server.use(
    answer('/portal/v1/users', { users: [{ id: 'u/1', givenName: 'Lena', surname: 'Vogt', email: 'lena@acme.example' }] }),
    answer('/portal/v1/subscriptions/acme-modeler/workspaces', { workspaces: [{ id: 'w1', name: 'Lending' }] }),
  )
  expect((await find('len', me, signal)).map((f) => [f.label, f.about, f.href])).toEqual([
    ['Lena Vogt', 'lena@acme.example', '/console/people/u%2F1'],
    ['Lending', 'Modeler', '/console/services/acme-modeler/workspaces/w1'],
  ])
  expect(asked.sort()).toEqual(['/portal/v1/subscriptions/acme-modeler/workspaces len', '/portal/v1/users len'])
})

test('who may list nobody asks for nobody, and a refusal hides nothing else', async () => {
  server.use(answer('/portal/v1/subscriptions/acme-modeler/workspaces', { code: 7, message: 'no' }, 403))
  expect(await find('len', { ...me, permissions: [] }, signal)).toEqual([])
  expect((await find('model:x', { ...me, permissions: [], services: [], workbench: 'read' }, signal)).map((f) => f.href)).toContain('/console/workbench/check?resource=model%3Ax')
})

test('who may list the users of a subscription alone finds them there', async () => {
  asked.length = 0
  server.use(
    answer('/portal/v1/subscriptions/acme-modeler/users', { users: [{ member: { user: 'u1', name: 'Lena Vogt', email: 'lena@acme.example' } }] }),
    answer('/portal/v1/subscriptions/acme-modeler/workspaces', {}),
  )
  const services = me.services.map((s) => ({ ...s, permissions: [...s.permissions, ...(s.id === 'acme-modeler' ? ['list_users'] : [])] }))
  expect((await find('len', { ...me, permissions: [], services }, signal)).map((f) => [f.label, f.about, f.href])).toEqual([
    ['Lena Vogt', 'lena@acme.example, Modeler', '/console/services/acme-modeler?tab=users&search=lena%40acme.example'],
  ])
  expect(asked.sort()).toEqual(['/portal/v1/subscriptions/acme-modeler/users len', '/portal/v1/subscriptions/acme-modeler/workspaces len'])
})
