import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { company } from './demo.mjs'
import { audit } from './harness.mjs'

const markup = '<img src=x onerror=alert(1)>'

/** provider answers as an identity provider does whom one asks what it is. */
async function provider() {
  const server = createServer((request, answer) => {
    answer.setHeader('Content-Type', 'application/json')
    answer.end(JSON.stringify(request.url === '/keys' ? { keys: [] } : { issuer, authorization_endpoint: issuer + '/auth', token_endpoint: issuer + '/token', jwks_uri: issuer + '/keys', id_token_signing_alg_values_supported: ['RS256'] }))
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  const issuer = `http://127.0.0.1:${server.address().port}`
  return { issuer, stop: () => new Promise((done) => { server.close(done); server.closeAllConnections() }) }
}

const menu = async (page, row, entry) => {
  await page.getByRole('row', { name: row }).getByRole('button', { name: /^Actions/ }).click()
  await page.getByRole('menuitem', { name: entry }).click()
}

/** settings: a policy is changed, an authenticator and a client are added, changed and removed. */
export const settings = () => company(async ({ d, browser, as }) => {
  browser.expect(/400 .*\/(policies|authenticators|clients)\)/)
  browser.expect(/409 .*\/policies\)/)
  const outside = await provider()
  try {
    const page = await as(d.admin)
    await page.getByRole('link', { name: 'Sign-in settings' }).click()
    await page.getByRole('heading', { level: 1, name: 'Sign-in settings' }).waitFor()

    // Policies: what the server refuses stands at its field.
    await page.getByLabel('Failures before the lockout').fill('1')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('1 is not from 3 to 100', { exact: false }).first().waitFor()
    await audit(page, 'settings-policies')
    await page.getByLabel('Failures before the lockout').fill('7')
    const other = await as(d.admin, '/settings')
    await other.getByLabel('Hours at most').fill('10')
    await other.getByRole('button', { name: 'Save', exact: true }).click()
    await other.getByText('The policies were saved').first().waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('alert').getByText('Somebody else changed this meanwhile').waitFor()
    await page.getByRole('alert').getByRole('rowheader', { name: 'Hours at most' }).waitFor()
    await audit(page, 'settings-conflict')
    await page.getByRole('button', { name: 'Reload' }).click()
    await page.getByRole('alert').waitFor({ state: 'detached' })
    assert.equal(await page.getByLabel('Hours at most').inputValue(), '10')
    await page.getByLabel('Failures before the lockout').fill('7')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('The policies were saved').first().waitFor()
    await page.reload()
    await page.getByLabel('Failures before the lockout').waitFor()
    assert.equal(await page.getByLabel('Failures before the lockout').inputValue(), '7')

    // An authenticator.
    await page.getByRole('tab', { name: 'Authenticators' }).click()
    await page.getByText('People sign in with a password alone').waitFor()
    await audit(page, 'settings-authenticators-none')
    await page.getByRole('button', { name: 'Add authenticator' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill(markup)
    await dialog.getByLabel('Issuer').fill(outside.issuer)
    await dialog.getByLabel('Client id').fill('pemba')
    await dialog.getByLabel('Domains', { exact: false }).first().fill('not a domain')
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await dialog.getByText('a domain looks like example.com', { exact: false }).waitFor()
    await audit(page, 'settings-authenticator-form')
    await dialog.getByLabel('Domains', { exact: false }).first().fill('Partner.example\n')
    await dialog.getByLabel('Client secret').fill('hush')
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('row', { name: /onerror.*partner\.example/ }).waitFor()
    await audit(page, 'settings-authenticators')
    await menu(page, /onerror/, 'Edit')
    await dialog.getByText('One is stored.', { exact: false }).waitFor()
    await dialog.getByLabel('Name').fill('Partner')
    await dialog.getByRole('switch', { name: 'In use' }).click()
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('row', { name: /Partner.*not in use/ }).waitFor()
    await menu(page, /Partner/, 'Remove')
    await dialog.getByText('partner.example', { exact: false }).waitFor()
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Cancel')
    await audit(page, 'settings-authenticator-remove')
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click()
    await page.getByText('People sign in with a password alone').waitFor()

    // A client: its secret is shown once, and again only when there is a new one.
    await page.getByRole('tab', { name: 'Clients' }).click()
    await page.getByRole('button', { name: 'Add client' }).click()
    await dialog.getByLabel('Name').fill('Studio portal')
    await dialog.getByLabel('Redirect addresses', { exact: false }).fill('http://studio.example/callback')
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await dialog.getByText('must be https', { exact: false }).waitFor()
    await audit(page, 'settings-client-form')
    await dialog.getByLabel('Redirect addresses', { exact: false }).fill('https://studio.example/callback')
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    const shown = page.getByRole('dialog', { name: 'Secret of Studio portal' })
    const first = await shown.locator('[data-secret]').textContent()
    assert.ok(first.length >= 20)
    await audit(page, 'settings-client-secret')
    await page.keyboard.press('Escape') // does not lose it
    await shown.getByRole('button', { name: 'I have copied it' }).click()
    await shown.waitFor({ state: 'detached' })
    assert.ok(!(await page.content()).includes(first))
    await audit(page, 'settings-clients')
    await menu(page, /Studio portal/, 'New secret')
    await dialog.getByRole('button', { name: 'New secret', exact: true }).click()
    assert.notEqual(await shown.locator('[data-secret]').textContent(), first)
    await shown.getByRole('button', { name: 'I have copied it' }).click()
    await menu(page, /Studio portal/, 'Remove')
    await page.getByRole('dialog', { name: 'Remove Studio portal?' }).getByRole('button', { name: 'Remove', exact: true }).click()
    await page.getByRole('row', { name: /Studio portal/ }).waitFor({ state: 'detached' })

    // Who may not is told what it takes, and nothing leads there.
    const editor = await as(d.editor, '/settings')
    await editor.getByText('You may not see this').waitFor()
    assert.equal(await editor.getByRole('link', { name: 'Sign-in settings' }).count(), 0)
    await audit(editor, 'settings-not-allowed')
  } finally {
    await outside.stop()
  }
})
