import assert from 'node:assert/strict'
import { join } from 'node:path'
import { audit, go, repository, scenario, until } from './harness.mjs'

export const sandbox = () => scenario(['--bootstrap', join(repository, 'testdata/portal/fixture.yaml')], async ({ page, server }) => {
  await go(page, '/workbench/sandbox', 'Sandbox')
  await audit(page, 'sandbox')
  await page.getByRole('button', { name: 'Run' }).click()
  await page.getByText('4 hold, 0 do not').waitFor()
  await page.getByRole('button', { name: 'Why document:budget#edit@user:anna' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('user:anna is owner of folder:plans', { exact: false }).waitFor()
  await audit(page, 'sandbox-why')
  await page.keyboard.press('Escape')

  // What does not hold any more, and what cannot be read.
  await page.getByRole('tab', { name: 'Relationships' }).click()
  await page.locator('.cm-content').click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText('document:budget#viewer@user:ben\n')
  await page.getByText('The files were changed since. Run them again.').waitFor()
  await audit(page, 'sandbox-old')
  await page.keyboard.press('Control+Enter')
  await page.getByText('2 hold, 2 do not').waitFor()
  await page.getByText('The files were changed since.').waitFor({ state: 'detached' })
  await page.getByText('Expected: granted. Answer: not granted.').first().waitFor()
  await page.getByText('Expected and not found', { exact: true }).waitFor()
  await audit(page, 'sandbox-failing')
  await page.keyboard.insertText('nothing\n')
  await page.keyboard.press('Control+Enter')
  await page.getByRole('heading', { name: 'Problems' }).waitFor()
  await page.getByText('Nothing was run, because of the errors.').waitFor()
  await audit(page, 'sandbox-problems')

  // Leaving asks.
  await page.getByRole('link', { name: 'Check', exact: true }).click()
  await page.getByRole('dialog', { name: 'Leave without saving?' }).getByRole('button', { name: 'Go on editing' }).click()
  assert.match(page.url(), /sandbox/)

  await page.getByRole('button', { name: 'Start from live schema' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Start from live schema' }).click()
  await page.getByRole('tab', { name: 'Schema' }).click()
  await page.getByText('The Customer Portal', { exact: false }).first().waitFor()
  const loading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Save file' }).click()
  assert.equal((await loading).suggestedFilename(), 'sandbox.yaml')

  // Nothing of it was stored.
  const found = await fetch(server.base + '/v1/relationships/read', { method: 'POST', body: JSON.stringify({ relationshipFilter: { resourceType: 'model' } }) })
  assert.equal(found.status, 200)
  await go(page, '/workbench/sandbox?new', 'Sandbox')
  await until(async () => (await page.locator('.cm-content').textContent()).trim() === '', () => 'it does not begin empty')
})
