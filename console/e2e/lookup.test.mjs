import assert from 'node:assert/strict'
import { join } from 'node:path'
import { audit, go, repository, scenario, until } from './harness.mjs'

const fixture = ['--bootstrap', join(repository, 'testdata/portal/fixture.yaml')]

export const who = () => scenario(fixture, async ({ page }) => {
  await go(page, '/workbench/who', 'Who can')
  await audit(page, 'who-empty')
  await page.getByRole('combobox', { name: 'Resource' }).fill('model:sales')
  await page.getByRole('combobox', { name: 'Permission' }).fill('edit')
  await page.keyboard.press('Control+Enter')
  await page.getByRole('table', { name: 'Results' }).waitFor()
  await page.getByRole('button', { name: 'Show how' }).click()
  await page.getByText('inherited').first().waitFor()
  await audit(page, 'who')
  const loading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'CSV' }).click()
  assert.equal((await loading).suggestedFilename(), 'who-can.csv')
  await page.getByRole('row').nth(1).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Check' }).waitFor()
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1')
})

export const whatCompared = () => scenario(fixture, async ({ page }) => {
  const at = '/workbench/what?' + new URLSearchParams({ subject: 'user:company_admin', resource: 'model', permission: 'read', vs: 'user:model_editor' })
  await go(page, at, 'What can')
  await page.getByText('first only').first().waitFor()
  await audit(page, 'what-compared')
  // An address may have been written by hand: the field says what is wrong with it.
  await go(page, `${at}&at=zzz`, 'What can')
  await page.getByText('“zzz” is not a revision').waitFor()
  assert.equal(await page.getByRole('textbox', { name: 'At revision' }).inputValue(), 'zzz')
  assert.equal(await page.getByRole('table', { name: 'Results' }).count(), 0)
})

export const watch = () => scenario(fixture, async ({ page, server }) => {
  await go(page, '/workbench/watch?filter=model', 'Watch')
  await page.getByText('Waiting for changes').waitFor()
  await audit(page, 'watch-empty')
  const write = (id) => server.api('/v1/relationships/write', { updates: [{ operation: 'OPERATION_TOUCH', relationship: { resource: { objectType: 'model', objectId: 'sales' }, relation: 'editor', subject: { object: { objectType: 'user', objectId: id } } } }] })
  // The watch has begun when a change arrives; until then it is written again.
  let n = 0
  await until(async () => {
    await write(`seen${n++}`)
    return page.getByRole('table', { name: 'Changes' }).isVisible()
  }, () => 'no change arrived')
  await audit(page, 'watch')
  await page.getByRole('button', { name: 'Pause' }).click()
  await write('later')
  await page.getByText('changes wait', { exact: false }).waitFor()
  assert.equal(await page.getByText('user:later').count(), 0)
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByText('user:later').waitFor()
})
