import assert from 'node:assert/strict'
import { audit, go, judged, oneTimeCode, open, serve, signIn } from './harness.mjs'

const ada = { email: 'ada@acme.example', password: 'korrekt Pferd 77 Heftklammer' }

/** provided makes a server an identity provider that knows ada and lets people in to another server. It returns what that is registered as. */
async function provided(server, callback) {
  const first = await fetch(server.base + '/portal/v1/first-run', {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...ada, code: await oneTimeCode(server), companyName: 'Acme login', givenName: 'Ada', purchases: [{ service: 'SERVICE_MODELER', licences: 1 }] }),
  })
  assert.equal(first.status, 200, await first.text())
  const session = first.headers.getSetCookie()[0].match(/^__Host-session=([^;]+)/)[1]
  const { client, secret } = await server.api('/portal/v1/clients', { service: 'SERVICE_MODELER', name: 'Pemba', redirectUrls: [callback] }, { Authorization: 'Bearer ' + session })
  return { issuer: (await server.api('/oidc/.well-known/openid-configuration')).issuer, id: client.id, secret }
}

/** provider: the first company is made by its own identity provider, here another Pemba, once that has confirmed who its first person is. */
export const provider = async () => {
  const [server, other] = await Promise.all([serve(['--portal']), serve(['--portal'])])
  const browser = await open(server.base, other.base)
  browser.expect(/401 .*\/portal\/v1\/me\)/)
  try {
    await judged(browser, async () => {
      const page = await browser.window()
      await go(page, '/first-run?failed=__proto__', 'Welcome to Pemba')
      assert.equal(await page.getByRole('alert').count(), 0, 'an address that somebody made up says that something failed')
      await page.getByLabel('With our identity provider').check()
      const callback = await page.getByText('/portal/v1/oidc/callback').textContent()
      const registered = await provided(other, callback)
      await page.getByLabel('Code').fill(await oneTimeCode(server))
      await page.getByLabel('Name of the company').fill('Acme')
      await page.getByLabel('Given name').fill('Ada')
      await page.getByRole('textbox', { name: 'E-mail', exact: true }).fill(ada.email)
      await page.getByText('so does everybody with an address of acme.example', { exact: false }).waitFor()
      await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Acme login')
      await page.getByLabel('Issuer').fill(registered.issuer + '/wrong')
      await page.getByLabel('Client id').fill(registered.id)
      await page.getByLabel('Client secret').first().fill('wrong')
      browser.expect(/400 .*\/first-run\/begin\)/)
      await page.getByRole('button', { name: 'Go on to the provider' }).click()
      await page.getByText('does not answer as one', { exact: false }).waitFor()
      await audit(page, 'first-run-provider')

      await page.getByLabel('Issuer').fill(registered.issuer)
      await page.getByRole('button', { name: 'Go on to the provider' }).click()
      await page.waitForURL(other.base + '/console/sign-in**')
      await signIn(page, ada)
      await page.waitForURL(server.base + '/console/first-run?failed=proof')
      await page.getByRole('alert').getByText('Check the client id and the client secret', { exact: false }).waitFor()
      await audit(page, 'first-run-failed')
      assert.equal(await page.getByLabel('Name of the company').inputValue(), 'Acme', 'what was entered is lost')
      assert.equal(await page.getByLabel('Client secret').first().inputValue(), '', 'a secret was kept')

      await page.getByLabel('Code').fill(await oneTimeCode(server))
      await page.getByLabel('Client secret').first().fill(registered.secret)
      await page.getByRole('button', { name: 'Go on to the provider' }).click()
      await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
      assert.ok(page.url().startsWith(server.base), page.url())
      await page.getByText('First steps').waitFor()
      await go(page, '/settings?tab=authenticators')
      await page.getByRole('row', { name: /Acme login.*acme\.example/ }).waitFor()
    })
  } finally {
    await browser.close()
    await Promise.all([server.stop(), other.stop()])
  }
}
