import assert from 'node:assert/strict'
import { join } from 'node:path'
import { audit, go, repository, scenario, until } from './harness.mjs'

const fixture = ['--bootstrap', join(repository, 'testdata/portal/fixture.yaml')]

async function ask(page, subject, permission, resource) {
  await page.getByRole('combobox', { name: 'Subject' }).fill(subject)
  await page.getByRole('combobox', { name: 'Resource' }).fill(resource)
  await page.getByRole('combobox', { name: 'Permission' }).fill(permission)
  await page.keyboard.press('Control+Enter')
}

export const granted = () => scenario(fixture, async ({ page }) => {
  await go(page, '/workbench/check', 'Check')
  await audit(page, 'check-empty')
  await go(page, '/workbench/check?subject=user:group_contributor&permission=comment&resource=model:sales&at=zzz', 'Check')
  await page.getByText('“zzz” is not a revision').waitFor()
  await go(page, '/workbench/check', 'Check')
  await ask(page, 'user:group_contributor', 'comment', 'model:sales')
  await page.locator('[data-answer=yes]').waitFor()
  assert.match(await page.locator('[data-answer=yes]').textContent(), /user:group_contributor is direct_member of group:/)
  await page.getByRole('treeitem').first().waitFor()
  await page.keyboard.press('Escape')
  await audit(page, 'check-granted')

  // The tree by keyboard: down, close, open, details with who wrote it.
  await page.getByRole('treeitem').first().focus()
  const before = await page.getByRole('treeitem').count()
  await page.keyboard.press('ArrowLeft')
  await until(async () => await page.getByRole('treeitem').count() < before, () => 'the root does not close')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.getByRole('region', { name: 'Details of the step' }).waitFor()
  await audit(page, 'check-detail')

  await page.getByRole('tab', { name: 'Graph' }).click()
  await page.locator('.react-flow__node').first().waitFor()
  await audit(page, 'check-graph')
  await page.locator('.react-flow__node').first().focus()
  await page.keyboard.press('ArrowDown')
  assert.match(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), /Granted/)
  assert.match(await page.evaluate(() => document.getElementById(document.activeElement.getAttribute('aria-describedby')).textContent), /^Arrow keys go/)

  await page.getByRole('tab', { name: 'Raw' }).click()
  await page.getByText('"permissionship"').first().waitFor()
  await audit(page, 'check-raw')

  // The address is the question.
  await page.reload()
  await page.locator('[data-answer=yes]').waitFor()
})

export const refusedAndTurned = () => scenario(fixture, async ({ page, server }) => {
  const at = '/workbench/check?' + new URLSearchParams({ subject: 'user:modeler_subscription_user', permission: 'edit', resource: 'model:sales' })
  await go(page, at, 'Check')
  await page.locator('[data-answer=no]').waitFor()
  await audit(page, 'check-refused')
  await page.getByRole('button', { name: /^Add:/ }).first().click()
  const dialog = page.getByRole('dialog', { name: 'Change the relationships?' })
  await dialog.waitFor()
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Cancel')
  await audit(page, 'check-turn')
  await dialog.getByRole('button', { name: 'Add' }).click()
  await page.locator('[data-answer=yes]').waitFor()
  const check = await server.api('/v1/permissions/check', {
    consistency: { fullyConsistent: true }, resource: { objectType: 'model', objectId: 'sales' }, permission: 'edit', subject: { object: { objectType: 'user', objectId: 'modeler_subscription_user' } },
  })
  assert.equal(check.permissionship, 'PERMISSIONSHIP_HAS_PERMISSION')
})

export const faults = () => scenario(fixture, async ({ page, browser }) => {
  browser.expect(/400/)
  await go(page, '/workbench/check', 'Check')
  await ask(page, 'maria', '', 'model:')
  await page.getByText('has no “:”', { exact: false }).waitFor()
  await page.getByText('the id is missing', { exact: false }).waitFor()
  await audit(page, 'check-faults')
  await ask(page, 'user:maria', 'fly', 'model:sales')
  await page.getByRole('alert').waitFor()
  await page.getByText('Request id').waitFor()
  await audit(page, 'check-error')
})
