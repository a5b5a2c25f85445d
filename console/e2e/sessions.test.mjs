import assert from 'node:assert/strict'
import { caller, inCompany as world } from './demo.mjs'
import { audit } from './harness.mjs'

export { world }

const ended = (page) => page.getByRole('dialog', { name: 'Your session has ended' })

/** again signs in where the session ended, over the page. */
async function again(page, who) {
  await ended(page).getByLabel('Password').first().fill(who.password)
  await ended(page).getByRole('button', { name: 'Sign in', exact: true }).click()
  await ended(page).waitFor({ state: 'detached' })
}

/** elsewhere: one ends a session of his in another browser, which is out at its next click. */
export const elsewhere = async ({ d, browser, as }) => {
  const other = await as(d.editor, '/', 'the other browser')
  await other.getByRole('main').getByRole('link', { name: 'Motor claims' }).first().waitFor()
  const page = await as(d.editor, '/me?tab=sessions')
  await page.getByRole('row', { name: /this one/ }).waitFor()
  await page.getByRole('row', { name: /the other browser/ }).getByRole('button', { name: /^Actions/ }).click()
  await page.getByRole('menuitem', { name: 'End' }).click()
  await page.getByRole('dialog', { name: 'End the session?' }).getByRole('button', { name: 'End', exact: true }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })

  browser.expect(/401/)
  await other.getByRole('main').getByRole('link', { name: 'Motor claims' }).first().click()
  await ended(other).waitFor()
  await audit(other, 'session-ended')
  assert.equal(await page.getByText('this one').count(), 1, 'the session of whoever ended it goes on')
  await again(other, d.editor)
  await other.getByRole('heading', { level: 1, name: 'Motor claims' }).waitFor()
}

/** kept: a session ends over forms that are half filled; after signing in again nothing that was typed is lost, and it can be sent. */
export const kept = async ({ d, browser, as }) => {
  browser.expect(/401/)
  const call = await caller(d, d.admin)
  const { id } = (await call('GET users?search=' + encodeURIComponent(d.owner.email))).users[0]
  const end = () => call(`POST users/${id}/sessions/end`, {})

  // In a dialog.
  const page = await as(d.owner, '/services/harbour-modeler?tab=workspaces')
  await page.getByRole('button', { name: 'Create model' }).click()
  const dialog = page.getByRole('dialog', { name: 'Create model' })
  await dialog.getByLabel('Name').fill('Half a model')
  await dialog.getByLabel('Description').fill('which nobody has sent yet')
  await end()
  await dialog.getByRole('button', { name: 'Create model' }).click()
  await ended(page).waitFor()
  await audit(page, 'session-ended-over-a-form')
  await page.keyboard.press('Escape') // goes to neither of them
  await again(page, d.owner)
  assert.equal(await dialog.getByLabel('Name').inputValue(), 'Half a model')
  assert.equal(await dialog.getByLabel('Description').inputValue(), 'which nobody has sent yet')
  await dialog.getByRole('button', { name: 'Create model' }).click()
  await page.getByRole('row', { name: /Half a model/ }).waitFor()

  // People who are picked for sharing, and are not saved.
  await page.getByRole('link', { name: 'Half a model' }).click()
  await page.getByRole('button', { name: 'Share', exact: true }).click()
  const share = page.getByRole('dialog', { name: 'Share Half a model' })
  await share.getByRole('textbox', { name: 'People or groups' }).fill('lena')
  await page.getByRole('option', { name: /Lena/ }).click()
  await share.getByRole('button', { name: 'Add', exact: true }).click()
  await share.getByText('What will change').waitFor()
  await end()
  await share.getByRole('button', { name: 'Save changes' }).click()
  await again(page, d.owner)
  await share.getByText('Lena Vogt: editor').waitFor()
  await share.getByRole('button', { name: 'Save changes' }).click()
  await share.waitFor({ state: 'detached' })
  assert.ok((await call('GET workspaces/' + new URL(page.url()).pathname.split('/').at(-1) + '/access')).entries.some((e) => e.member.name === 'Lena Vogt'))
}
