import { afterEach, expect, test, vi } from 'vitest'
import { remember, remembered } from './remember'

const entered = { companyName: 'Acme', givenName: 'Ada', surname: '', email: 'ada@acme.example', licences: { SERVICE_MODELER: 3 } }
const form = { ...entered, code: 'the-code', password: 'the-password', how: 'provider', authenticator: { name: 'Acme login', issuer: 'https://login.acme.example', clientId: 'pemba', clientSecret: 'the-secret' } }

afterEach(() => { vi.unstubAllGlobals() })

/** storage puts one in the place of the browser's. */
function storage() {
  const items = new Map<string, string>()
  vi.stubGlobal('sessionStorage', { getItem: (k: string) => items.get(k) ?? null, setItem: (k: string, v: string) => items.set(k, v), removeItem: (k: string) => items.delete(k) })
  return items
}

test('what is entered comes back once, without its secrets', () => {
  const items = storage()
  remember(form)
  for (const secret of ['the-code', 'the-password', 'the-secret']) expect([...items.values()].join()).not.toContain(secret)
  expect(remembered()).toEqual({ ...entered, authenticator: { name: 'Acme login', issuer: 'https://login.acme.example', clientId: 'pemba' } })
  expect(remembered()).toBeUndefined()
})

test('a browser that stores nothing, or something else, forgets', () => {
  vi.stubGlobal('sessionStorage', undefined)
  remember(form)
  expect(remembered()).toBeUndefined()
  storage().set('pemba-first-run', '{')
  expect(remembered()).toBeUndefined()
})
