import assert from 'node:assert/strict'
import { company, signIn } from './demo.mjs'
import { audit } from './harness.mjs'

/** account: one's name, password, sessions, tokens and theme. */
export const account = () => company(async ({ d, browser, as }) => {
  const page = await as(d.editor)
  await page.getByRole('button', { name: 'Account' }).click()
  await page.getByRole('link', { name: 'My account' }).click()
  await page.getByRole('heading', { level: 1, name: 'My account' }).waitFor()
  await page.getByLabel('Surname').fill('Vogt-Sommer')
  await audit(page, 'me')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Lena Vogt-Sommer').first().waitFor()

  await page.getByRole('tab', { name: 'Machine tokens' }).click()
  await page.getByLabel('Name').fill('<b>nightly</b>')
  await page.getByRole('button', { name: 'Create token' }).click()
  await page.getByText('It is shown this once', { exact: false }).waitFor()
  await audit(page, 'me-tokens')
  const secret = await page.locator('[data-secret]').textContent()
  const headers = { Authorization: 'Bearer ' + secret }
  assert.equal((await (await fetch(d.base + '/portal/v1/me', { headers })).json()).person.surname, 'Vogt-Sommer')
  await page.getByRole('button', { name: 'Actions for <b>nightly</b>' }).click()
  await page.getByRole('menuitem', { name: 'Revoke' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await page.getByText('You have no machine token.').waitFor()
  assert.equal((await fetch(d.base + '/portal/v1/me', { headers })).status, 401)
  await page.getByLabel('Name').fill('weekly')
  await page.getByRole('button', { name: 'Create token' }).click()
  const token = await page.locator('[data-secret]').filter({ hasNotText: secret }).textContent()

  await page.getByRole('tab', { name: 'Theme and keys' }).click()
  await page.getByLabel('Dark').check()
  assert.equal(await page.evaluate(() => document.documentElement.dataset.mantineColorScheme), 'dark')
  await audit(page, 'me-settings')

  // Where the system paints over all grounds, one sees what is chosen still.
  await page.emulateMedia({ forcedColors: 'active' })
  const edge = (of, side) => of.evaluate((e, s) => getComputedStyle(e)[s], side)
  assert.notEqual(await edge(page.getByRole('tab', { selected: true }), 'borderBottomColor'), await edge(page.getByRole('tab', { selected: false }).first(), 'borderBottomColor'))
  assert.equal(await edge(page.locator('.mantine-Switch-track').first(), 'borderTopWidth'), '1px')
  await page.emulateMedia({ forcedColors: 'none' })

  // A new password ends the other session at its next click, and the tokens of machines where that is asked for.
  browser.expect(/401/)
  const other = await as(d.editor)
  await page.getByRole('tab', { name: 'Sessions' }).click()
  await page.getByText('this one').waitFor()
  await page.getByRole('button', { name: 'End all others' }).waitFor()
  await audit(page, 'me-sessions')
  await page.getByRole('tab', { name: 'Password' }).click()
  await page.getByRole('textbox', { name: 'Present password' }).fill(d.editor.password)
  await page.getByRole('textbox', { name: 'New password' }).fill('korrekt Pferd 77 Heftklammer')
  await page.getByRole('textbox', { name: 'The same again' }).fill('another')
  await page.getByRole('button', { name: 'Change the password' }).click()
  await page.getByText('The two are not the same').waitFor()
  await audit(page, 'me-password')
  await page.getByRole('textbox', { name: 'The same again' }).fill('korrekt Pferd 77 Heftklammer')
  await page.getByLabel('Also revoke my machine tokens').check()
  await page.getByRole('button', { name: 'Change the password' }).click()
  await page.locator('.app-toast', { hasText: 'The password was changed, and your machine tokens were revoked' }).waitFor()
  assert.equal((await fetch(d.base + '/portal/v1/me', { headers: { Authorization: 'Bearer ' + token } })).status, 401)
  await page.getByLabel('Also revoke my machine tokens').waitFor({ state: 'detached' }) // there is none to ask about
  await other.getByRole('main').getByRole('link').first().click()
  await other.getByRole('dialog', { name: 'Your session has ended' }).waitFor()

  const again = await browser.window()
  await again.goto('/console/sign-in')
  await signIn(again, { ...d.editor, password: 'korrekt Pferd 77 Heftklammer' })
  await again.getByRole('heading', { level: 1, name: 'Home' }).waitFor()
})
