import assert from 'node:assert/strict'
import { caller, inCompany as world } from './demo.mjs'
import { audit, settled } from './harness.mjs'

export { world }

const markup = '<img src=x onerror=alert(1)>'
const titled = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor()

/** people: the list, its search, somebody added, edited, deactivated and activated again. */
export const people = async ({ d, as }) => {
  const page = await as(d.admin, '/people')
  await titled(page, 'People')
  await page.getByRole('row', { name: /Lena Vogt/ }).waitFor()
  await audit(page, 'people')

  await page.getByRole('button', { name: 'Add', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Add a person' })
  await dialog.getByLabel('Given name').fill(markup)
  await dialog.getByRole('textbox', { name: 'E-mail', exact: true }).fill(d.editor.email.toUpperCase())
  await dialog.getByText('Somebody with this address is registered already.').waitFor()
  await audit(page, 'person-add')
  await dialog.getByRole('textbox', { name: 'E-mail', exact: true }).fill('new@elsewhere.example')
  await dialog.getByText('Nobody in the list has an address of elsewhere.example', { exact: false }).waitFor()
  await dialog.getByRole('button', { name: 'Add', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  // What is typed before the focus is back where it was would go there.
  await page.locator('button:focus', { hasText: /^Add$/ }).waitFor()

  // "/" leads to the search, and the address keeps what is searched.
  await page.keyboard.press('/')
  await page.keyboard.type('elsewhere')
  await page.getByRole('row', { name: /Lena Vogt/ }).waitFor({ state: 'detached' })
  assert.equal(await page.getByRole('row').count(), 2)
  assert.match(page.url(), /search=elsewhere/)
  await settled(page)
  await page.getByRole('row', { name: /onerror/ }).focus()
  await page.keyboard.press('Enter')
  await titled(page, markup)
  await audit(page, 'person')

  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.getByRole('dialog').getByLabel('Given name').fill('Nora')
  await page.getByRole('dialog').getByLabel('Surname').fill('Neu')
  await page.getByRole('button', { name: 'Save', exact: true }).click()
  await titled(page, 'Nora Neu')
  await page.getByRole('button', { name: 'Deactivate', exact: true }).click()
  const confirm = page.getByRole('dialog', { name: 'Deactivate Nora Neu?' })
  await confirm.getByRole('button', { name: 'Deactivate', exact: true }).and(page.locator(':not([disabled])')).waitFor()
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Cancel')
  await audit(page, 'person-deactivate')
  await confirm.getByRole('button', { name: 'Deactivate', exact: true }).click()
  await page.getByRole('button', { name: 'Activate', exact: true }).click()
  await page.getByRole('button', { name: 'Deactivate', exact: true }).waitFor()
  await page.getByRole('tab', { name: 'Activity' }).click()
  await page.getByText('About this person').click()
  await page.getByRole('row', { name: /activated/ }).first().waitFor()
  await audit(page, 'person-activity')
}

/** access: what somebody may do, why, a role taken away, and who and what acts as him. */
export const access = async ({ d, as }) => {
  const page = await as(d.admin, '/people?search=' + encodeURIComponent(d.editor.email))
  await page.getByRole('row').nth(1).getByRole('link').click()
  await page.getByRole('tab', { name: 'Access' }).click()
  const claims = page.getByRole('listitem').filter({ has: page.getByRole('link', { name: /Motor claims/ }) }).last()
  await claims.getByRole('button', { name: /^Why/ }).first().click()
  await claims.getByRole('listitem').first().waitFor()
  await audit(page, 'person-access')
  await claims.getByRole('button', { name: /^Remove: Editor/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click()
  await claims.getByRole('button', { name: /^Remove: Editor/ }).waitFor({ state: 'detached' })

  const call = await caller(d, d.editor)
  for (const name of ['nightly', 'weekly']) await call('POST me/tokens', { name })
  await page.getByRole('tab', { name: 'Sign-ins and sessions' }).click()
  await page.getByRole('button', { name: 'Actions for nightly' }).click()
  await audit(page, 'person-sessions')
  await page.getByRole('menuitem', { name: 'Revoke' }).click()
  await page.getByRole('dialog', { name: 'Revoke nightly of Lena Vogt?' }).getByRole('button', { name: 'Revoke' }).click()
  await page.getByRole('row', { name: /nightly/ }).waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'End all' }).click()
  const ending = page.getByRole('dialog', { name: 'End all that acts as Lena Vogt?' })
  await ending.getByText(/sessions? ends?: .* 1 machine token is revoked/).waitFor()
  await ending.getByRole('button', { name: 'End all' }).click()
  await page.getByText('There is no session and no machine token.').waitFor()
}

/** selection: by keyboard, and one thing done to several people. */
export const selection = async ({ d, browser, as }) => {
  browser.expect(/400 .*\/deactivate\)/)
  const page = await as(d.admin, '/people')
  await page.getByRole('row', { name: /Lena Vogt/ }).waitFor()
  await settled(page)
  await page.getByRole('row').nth(1).focus()
  await page.keyboard.press('x')
  await page.keyboard.press('j')
  await page.keyboard.press('x')
  const bar = page.getByRole('region', { name: 'Selected people' })
  await bar.getByText('2 selected').waitFor()
  // Another order takes nothing away, and one box selects what is shown besides.
  for (const order of ['ascending', 'descending', 'ascending']) {
    await page.getByRole('columnheader').getByRole('button', { name: 'E-mail' }).click()
    await page.locator(`[role=columnheader][aria-sort=${order}]`, { hasText: 'E-mail' }).waitFor()
  }
  await settled(page)
  await bar.getByText('2 selected').waitFor()
  const boxes = page.getByRole('checkbox', { name: 'Select', exact: false })
  await boxes.first().check()
  await bar.getByText(/^\d\d selected/).waitFor()
  await boxes.first().uncheck()
  await bar.waitFor({ state: 'detached' })
  // With Shift all between two rows.
  await boxes.nth(2).check()
  await boxes.nth(5).click({ modifiers: ['Shift'] })
  await bar.getByText('4 selected').waitFor()
  await bar.getByRole('button', { name: /^Select all \d+ that fit/ }).click()
  await bar.getByText(/^\d\d selected/).waitFor()
  await audit(page, 'people-selected')
  await bar.getByRole('button', { name: 'Deactivate' }).click()
  const dialog = page.getByRole('dialog', { name: 'Deactivate people' })
  await audit(page, 'people-bulk')
  await dialog.getByRole('button', { name: 'Deactivate', exact: true }).click()
  await dialog.getByText(/^\d+ of \d+ done$/).first().waitFor()
  await dialog.getByText(/administrator/).first().waitFor() // the one who must stay
  await audit(page, 'people-bulk-done')
}
