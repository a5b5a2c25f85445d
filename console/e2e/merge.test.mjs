import assert from 'node:assert/strict'
import { join } from 'node:path'
import { company } from './demo.mjs'
import { audit, go, repository, scenario, until } from './harness.mjs'

const fixture = ['--bootstrap', join(repository, 'testdata/portal/fixture.yaml')]

/** merge: what somebody else wrote meanwhile and one's own are put together, place by place. */
export const merge = () => scenario(fixture, async ({ page, server }) => {
  await go(page, '/workbench/schema', 'Schema')
  await page.locator('.cm-content').waitFor()
  const { schemaText } = await server.api('/pemba/v1/schema/text', {})
  const editor = page.getByRole('textbox', { name: 'Schema text' })
  await page.getByRole('switch', { name: 'Plain text' }).click()
  await editor.fill('// mine\n' + schemaText + '\ndefinition moon {}\n')
  await server.api('/v1/schema/write', { schema: '// of the other\n' + schemaText + '\ndefinition planet {}\n' })
  await page.getByRole('button', { name: 'Put both together' }).click({ timeout: 30_000 })
  const dialog = page.getByRole('dialog', { name: 'Put both changes together' })
  const apply = dialog.getByRole('button', { name: 'Take the result into the editor' })
  await dialog.getByText('both changed it').first().waitFor()
  assert.ok(await apply.isDisabled())
  await audit(page, 'schema-merge')
  for (const place of ['Place 1, line 1', /^Place 2/]) await dialog.getByRole('region', { name: place, exact: true }).getByRole('radio', { name: 'Theirs, then mine' }).click()
  await dialog.getByText('Every place is settled.').waitFor()
  await audit(page, 'schema-merge-settled')
  await apply.click()
  await dialog.waitFor({ state: 'detached' })
  const text = await editor.inputValue()
  for (const part of ['// of the other\n// mine\n', 'definition moon {}', 'definition planet {}']) assert.ok(text.includes(part), `${part} is not in\n${text}`)

  // It is based on theirs now: the write is no conflict.
  await page.getByRole('alert').waitFor({ state: 'detached' })
  await until(async () => !(await page.getByRole('button', { name: 'Write', exact: true }).getAttribute('aria-disabled')), () => 'nothing can be written')
  await page.getByRole('button', { name: 'Write', exact: true }).click()
  await page.getByRole('dialog').getByLabel('Reason').fill('both')
  await page.getByRole('dialog').getByRole('button', { name: 'Write', exact: true }).click()
  await page.getByText('The schema is written.').first().waitFor()
  const written = (await server.api('/pemba/v1/schema/text', {})).schemaText
  assert.ok(/definition moon/.test(written) && /definition planet/.test(written))
})

/** reserved: what the portal owns is blocked, and the review says so. */
export const reserved = () => company(async ({ d, as }) => {
  const page = await as(d.admin, '/workbench/schema')
  await page.getByRole('switch', { name: 'Plain text' }).click()
  const editor = page.getByRole('textbox', { name: 'Schema text' })
  await editor.fill((await editor.inputValue()).replace('permission manage_security_policies = admin', 'permission manage_security_policies = admin + sign_in'))
  await page.getByRole('tab', { name: 'Diff' }).click()
  await page.getByText('belongs to the Customer Portal').first().waitFor()
  await page.getByText('Blocked', { exact: true }).first().waitFor()
  await audit(page, 'schema-reserved')
})
