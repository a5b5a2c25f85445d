import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { audit, inServer, oneTimeCode, said, signIn, until } from './harness.mjs'

// What is written past the portal are sessions, to bring their end nearer.
export const world = inServer(['--portal', '--portal-raw-writes'])

const titled = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor()
const password = 'korrekt Pferd 77 Heftklammer'
const ada = { email: 'ada@acme.example', password }
const ben = { email: 'ben@acme.example', password: 'noch ein Pferd 78 Klammer' }

/** firstRun: whoever opens a new installation is led to make its company, and to invite the first colleague, who is told whom to ask. */
export const firstRun = async ({ server, browser, page }) => {
  browser.expect(/401 .*\/first-run\)/)
  browser.expect(/404 .*\/links\/inspect\)/)
  await page.goto('/console/people')
  await page.getByRole('link', { name: 'Set it up' }).click()
  await titled(page, 'Welcome to Pemba')
  await page.getByLabel('Code').fill('not the code')
  await page.getByLabel('Name of the company').fill('Acme')
  await page.getByLabel('Given name').fill('Ada')
  await page.getByLabel('Surname').fill('Min')
  await page.getByLabel('E-mail').fill(ada.email)
  await page.getByLabel(/^Password/).first().fill(password)
  await page.getByRole('button', { name: 'Begin' }).click()
  await page.getByText('the one-time code is wrong', { exact: false }).waitFor()
  await audit(page, 'first-run')
  await page.getByLabel('Code').fill(await oneTimeCode(server))
  await page.getByRole('button', { name: 'Begin' }).click()
  await titled(page, 'Home')
  await page.getByText('First steps').waitFor()
  await page.getByText('Healthy.', { exact: false }).waitFor()
  await audit(page, 'home-first')

  await page.getByRole('navigation').getByRole('link', { name: 'People' }).click()
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('dialog').getByLabel('Given name').fill('Ben')
  await page.getByRole('dialog').getByRole('textbox', { name: 'E-mail', exact: true }).fill(ben.email)
  await page.keyboard.press('Control+Enter')
  await page.getByRole('row', { name: /Ben/ }).waitFor()

  const link = await said(server, /"link":"[^"]*(\/console\/invite\/[^"]+)"/)
  const other = await browser.window()
  await other.goto(link)
  await other.getByText('You were invited to Acme.').waitFor()
  await other.getByLabel('New password').first().fill('short')
  await other.getByText('easy to guess', { exact: false }).waitFor()
  await other.getByLabel('The same again').first().fill('shor')
  await other.getByText('The two are not the same').waitFor()
  await audit(other, 'invite')
  await other.getByLabel('New password').first().fill(ben.password)
  await other.getByLabel('The same again').first().fill(ben.password)
  await other.getByRole('button', { name: 'Set the password and sign in' }).click()
  await titled(other, 'Home')
  await other.getByText('Ask Ada Min to include you.').waitFor()
  await audit(other, 'home-no-service')

  // A link is good once.
  await other.goto(link)
  await titled(other, 'This link is no longer good')
  await audit(other, 'invite-gone')
  await other.getByLabel('E-mail').fill(ben.email)
  await other.getByRole('button', { name: 'Send me a new link' }).click()
  await other.getByText('If the address is known', { exact: false }).waitFor()
}

/** over: a session ends by the clock while its page is open, and goes on where it was when one signs in again. */
export const over = async ({ server, browser, page }) => {
  browser.expect(/401/)
  await page.goto('/console/people?search=ben')
  await signIn(page, ada)
  await page.getByRole('row', { name: /Ben/ }).waitFor()
  const { value: token } = (await page.context().cookies()).find((c) => c.name === '__Host-session')
  const key = 'portal/session/' + createHash('sha256').update(token).digest('hex')
  const { document: d } = await server.api('/pemba/v1/documents/get', { key })
  await server.api('/pemba/v1/documents/write', { key, documentClass: d.documentClass, value: { ...d.value, expires: new Date(Date.now() + 500).toISOString() } })
  await until(async () => (await fetch(server.base + '/portal/v1/me', { headers: { Authorization: 'Bearer ' + token } })).status === 401, () => 'the session goes on')

  // Whatever is done next, here a key of the page, shows it.
  await page.getByRole('searchbox').evaluate((field) => field.focus())
  await page.keyboard.type('zzz')
  const dialog = page.getByRole('dialog', { name: 'Your session has ended' })
  await dialog.waitFor()
  await dialog.getByLabel('Password').first().fill('wrong')
  await page.keyboard.press('Enter')
  await dialog.getByRole('alert').waitFor()
  await dialog.getByLabel('Password').first().fill(ada.password)
  await page.keyboard.press('Enter')
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('Nobody fits the filter').waitFor()
}

/** wrong: a sign-in that fails says one thing whoever it is, and after some there is a wait. */
export const wrong = async ({ browser, page }) => {
  browser.expect(/4(01|29) .*\/session\)/)
  const seen = []
  for (const email of ['nobody@acme.example', ben.email]) {
    await page.goto('/console/sign-in')
    await signIn(page, { email, password: 'wrong' })
    seen.push(await page.getByRole('alert').textContent())
  }
  assert.equal(seen[0], seen[1], 'it says who is known')
  const submit = page.getByRole('button', { name: 'Sign in', exact: true }) // which is pressed when it can be
  for (let i = 1; i < 5; i++) {
    await page.getByLabel('Password').first().fill('wrong ' + i)
    await Promise.all([page.waitForResponse(/\/portal\/v1\/session$/), submit.click()])
  }
  await page.getByLabel('Password').first().fill(ben.password)
  await submit.click()
  await page.getByRole('alert').getByText(/^Too many tries\. Wait 15 min/).waitFor()
  await audit(page, 'sign-in-locked')
}
