import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { company } from './demo.mjs'
import { audit, go, settled } from './harness.mjs'

/** log: found by filters, opened with why it was allowed, verified, exported; not for everybody. */
export const log = () => company(async ({ d, browser, as }) => {
  const page = await as(d.admin, '/audit')
  await page.getByRole('row').nth(1).waitFor()
  await audit(page, 'audit')

  await page.getByRole('searchbox', { name: 'Search' }).fill('Motor claims')
  await page.getByRole('combobox', { name: 'Action' }).click()
  await page.getByRole('option', { name: 'Sharing' }).click()
  await page.waitForURL(/search=Motor/)
  await settled(page)
  const row = page.getByRole('row', { name: /Lena Vogt editor/ }).first()
  await row.focus()
  await page.keyboard.press('Enter')
  const drawer = page.getByRole('dialog', { name: /^Record \d+$/ })
  await drawer.getByText('Why it was allowed').waitFor()
  await drawer.getByText('Request id').waitFor()
  await audit(page, 'audit-record')
  await page.keyboard.press('Escape')
  await drawer.waitFor({ state: 'detached' })

  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export CSV' }).click()])
  assert.match(readFileSync(await file.path(), 'utf8'), /Motor claims/)
  await page.getByRole('button', { name: 'Verify' }).click()
  await page.getByText('Nothing was changed or taken out', { exact: false }).waitFor()

  await page.getByRole('combobox', { name: 'Result' }).click()
  await page.getByRole('option', { name: 'refused' }).click()
  await page.getByText('No record fits the filter').waitFor()
  await audit(page, 'audit-no-match')
  await page.getByRole('button', { name: 'Clear the filter' }).click()
  await page.getByRole('row').nth(1).waitFor()
  assert.equal(await page.getByRole('searchbox', { name: 'Search' }).inputValue(), '')

  // An editor has no link to it, and is told what is missing.
  browser.expect(/403 .*\/portal\/v1\/audit/)
  const editor = await as(d.editor)
  assert.equal(await editor.getByRole('link', { name: 'Audit log' }).count(), 0)
  await go(editor, '/audit', 'Audit log')
  await editor.getByText('You may not see this').waitFor()
  await audit(editor, 'audit-refused')
})
