import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { audit, go, repository, scenario, until } from './harness.mjs'

const fixture = ['--bootstrap', join(repository, 'testdata/portal/fixture.yaml')]

const has = async (server, resource, relation, subject) => {
  const [objectType, objectId] = subject.split(':')
  const [type, id] = resource.split(':')
  const answer = await server.api('/v1/permissions/check', { consistency: { fullyConsistent: true }, resource: { objectType: type, objectId: id }, permission: relation, subject: { object: { objectType, objectId } } })
  return answer.permissionship === 'PERMISSIONSHIP_HAS_PERMISSION'
}

export const browseAndChange = () => scenario(fixture, async ({ page, server, browser }) => {
  browser.expect(/409|400|501|404/)
  await go(page, '/workbench/relationships', 'Relationships')
  await page.getByRole('button', { name: 'model', exact: true }).waitFor()
  await audit(page, 'relationships-choose')
  await page.getByRole('button', { name: 'model', exact: true }).click()
  await page.getByRole('table', { name: 'Relationships' }).waitFor()
  await audit(page, 'relationships')

  // A filter by text, refused and right; chips take parts away.
  const filter = page.getByRole('searchbox', { name: 'Filter' })
  await filter.fill('model#Editor')
  await page.keyboard.press('Enter')
  await page.getByText('is not the name of a relation', { exact: false }).waitFor()
  await filter.fill('model:sales#editor@user')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Remove Subject type from the filter' }).click()
  await until(async () => decodeURIComponent(page.url()).endsWith('filter=model:sales#editor'), () => page.url())

  // From anywhere on the page the keys of rows go to the rows.
  await page.getByRole('row').nth(1).waitFor()
  await page.getByRole('heading', { level: 1 }).focus()
  await page.keyboard.press('j')
  await until(() => page.evaluate(() => document.activeElement?.getAttribute('role') === 'row'), () => 'no row has the focus')

  await page.getByRole('button', { name: 'Add', exact: true }).click()
  let dialog = page.getByRole('dialog', { name: 'Add a relationship' })
  await audit(page, 'relationships-add')
  await dialog.getByRole('combobox', { name: 'Subject' }).fill('user:new_one')
  await page.keyboard.press('Control+Enter')
  await dialog.waitFor({ state: 'detached' })
  assert.ok(await has(server, 'model:sales', 'editor', 'user:new_one'))
  const row = page.getByRole('row').filter({ hasText: 'user:new_one' })
  await row.waitFor()

  // Once more: somebody else was first.
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  dialog = page.getByRole('dialog', { name: 'Add a relationship' })
  await dialog.getByRole('combobox', { name: 'Subject' }).fill('user:new_one')
  await page.keyboard.press('Control+Enter')
  await dialog.getByText('Somebody else changed this meanwhile').waitFor()
  // Escape asks before what was entered is lost.
  await dialog.getByRole('button', { name: 'Cancel' }).focus()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog', { name: 'Leave without saving?' }).getByRole('button', { name: 'Leave' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })

  // By keyboard: the menu of the row, history, delete.
  await row.focus()
  await page.keyboard.press('.')
  await page.getByRole('menuitem', { name: 'History' }).click()
  await page.getByRole('dialog', { name: 'History of the relationship' }).waitFor()
  await audit(page, 'relationships-history')
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await row.focus()
  await page.keyboard.press('.')
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  dialog = page.getByRole('dialog', { name: 'Delete the relationship?' })
  await dialog.waitFor()
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await dialog.waitFor({ state: 'detached' })
  assert.ok(!(await has(server, 'model:sales', 'editor', 'user:new_one')))

  await filter.fill('model:no_such')
  await page.keyboard.press('Enter')
  await page.getByText('No relationship matches').waitFor()
  await audit(page, 'relationships-none')
})

export const importExportBulkDelete = () => scenario(fixture, async ({ page, server, browser }) => {
  browser.expect(/400/)
  await go(page, '/workbench/relationships?filter=group%3Amany', 'Relationships')
  await page.getByRole('button', { name: 'Import' }).click()
  const dialog = page.getByRole('dialog', { name: 'Import relationships' })
  const lines = Array.from({ length: 450 }, (_, i) => `group:many#direct_member@user:m${i}`)
  await dialog.getByRole('textbox', { name: 'Or paste them' }).fill(['// many', 'group:many#company@company:acme', ...lines, 'group:many#no_such@user:x', 'broken'].join('\n'))
  await dialog.getByText('1 line cannot be read').waitFor()
  await dialog.getByRole('button', { name: 'Import 452' }).click()
  await dialog.getByText('451 of 453 done').waitFor({ timeout: 60_000 })
  await audit(page, 'relationships-import')
  await dialog.getByRole('button', { name: 'Close' }).last().click()
  await page.getByRole('button', { name: 'Refresh' }).click()
  await page.getByText('100+ rows').waitFor()

  // Rows far down are drawn when they are scrolled to; more are asked for.
  const table = page.getByRole('region', { name: 'Relationships, can be scrolled' })
  await table.focus()
  await until(async () => {
    await page.keyboard.press('End')
    return await page.getByText('451 rows').count() > 0
  }, () => 'not all rows are read')
  assert.ok(await page.getByRole('row').count() < 80, 'only rows in view are drawn')

  const loading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export' }).click()
  await page.getByRole('dialog', { name: 'Export relationships' }).getByRole('button', { name: 'Export' }).click()
  const text = readFileSync(await (await loading).path(), 'utf8')
  assert.equal(text.trim().split('\n').length, 451)

  await page.getByRole('button', { name: 'Delete all that match' }).click()
  const bulk = page.getByRole('dialog', { name: 'Delete all relationships that match?' })
  await bulk.getByText('451 relationships would be deleted.').waitFor()
  await audit(page, 'relationships-bulk')
  await bulk.getByRole('button', { name: 'Delete' }).click()
  await bulk.waitFor({ state: 'detached' })
  await page.getByText('No relationship matches').waitFor()
  assert.ok(!(await has(server, 'group:many', 'direct_member', 'user:m7')))
})
