import assert from 'node:assert/strict'
import { join } from 'node:path'
import { audit, go, repository, scenario, until } from './harness.mjs'

const fixture = ['--bootstrap', join(repository, 'testdata/portal/fixture.yaml')]

/** put replaces the text of the editor as somebody who types would. */
async function put(page, text) {
  await page.locator('.cm-content').click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText(text)
}

export const firstSchema = () => scenario([], async ({ page, server, browser }) => {
  browser.expect(/404/) // there is no schema to read
  await go(page, '/workbench/schema', 'Schema')
  await page.getByText('There is no schema yet').waitFor()
  await audit(page, 'schema-none')
  await page.getByRole('button', { name: 'Documents and folders' }).click()
  await page.locator('.cm-content').waitFor()
  await page.getByText('No problems').waitFor()
  await page.getByRole('button', { name: 'Write', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Write the schema' })
  await dialog.getByText('Safe').first().waitFor()
  await dialog.getByRole('button', { name: 'Write' }).click()
  await dialog.getByText('Say why').waitFor()
  await audit(page, 'schema-write')
  await dialog.getByLabel('Reason').fill('<img src=x onerror=alert(1)>')
  await page.keyboard.press('Control+Enter')
  await dialog.waitFor({ state: 'detached' })
  assert.match((await server.api('/v1/schema/read', {})).schemaText, /definition folder/)
  await page.getByRole('tab', { name: 'History' }).click()
  await page.getByText('<img src=x onerror=alert(1)>').waitFor()
  await audit(page, 'schema-history')
})

export const editor = () => scenario(fixture, async ({ page }) => {
  await go(page, '/workbench/schema', 'Schema')
  await page.locator('.cm-content').waitFor()
  await page.getByRole('navigation', { name: 'Outline' }).getByRole('button', { name: 'definition model' }).waitFor()
  await audit(page, 'schema')

  // The outline leads to the definition, the inspector says what stands there.
  await page.getByRole('searchbox', { name: 'Filter the outline' }).fill('edit_info')
  await page.getByRole('navigation', { name: 'Outline' }).getByRole('button', { name: 'permission edit_info' }).first().click()
  await page.getByText('What it depends on').waitFor()
  await until(() => page.evaluate(() => {
    const line = document.querySelector('.cm-activeLine')
    const [at, box] = [line, document.querySelector('.cm-scroller')].map((e) => e?.getBoundingClientRect())
    return /permission edit_info/.test(line?.textContent ?? '') && at.top >= box.top && at.bottom <= box.bottom
  }), () => 'the definition is not in sight')

  // Completion, a problem while typing, F8 to it, and out with Tab.
  await page.locator('.cm-content').click()
  await page.keyboard.press('Control+End')
  await page.keyboard.type('\ndefinition extra {\nrelation one: us')
  await page.getByRole('option', { name: 'user', exact: true }).waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+Space')
  await page.getByRole('option', { name: 'user', exact: true }).waitFor()
  await page.waitForTimeout(100) // completion takes no key in its first moments, so that typing is not taken for a choice
  await page.keyboard.press('Enter')
  await page.keyboard.type('\npermission two = nobody')
  await page.getByRole('tabpanel', { name: 'Problems' }).getByText('nobody').first().waitFor()
  await audit(page, 'schema-problems')
  await page.locator('.cm-content').focus()
  await page.keyboard.press('F8')
  await page.keyboard.press('Tab')
  assert.ok(await page.evaluate(() => !document.activeElement.closest('.cm-content')), 'Tab leaves the editor')

  // Leaving asks.
  await page.getByRole('link', { name: 'Check', exact: true }).click()
  await page.getByRole('dialog', { name: 'Leave without saving?' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.match(page.url(), /schema/)
  await page.getByRole('switch', { name: 'Plain text' }).click()
  await page.getByRole('textbox', { name: 'Schema text' }).waitFor()
  await audit(page, 'schema-plain')
})

export const reviewBlockedAndConflict = () => scenario(fixture, async ({ page, server }) => {
  await go(page, '/workbench/schema', 'Schema')
  await page.locator('.cm-content').waitFor()
  const { schemaText } = await server.api('/pemba/v1/schema/text', {})
  await put(page, schemaText.replace('definition job_title {', 'definition planet {}\n\ndefinition job_title {'))
  await until(async () => await page.getByRole('button', { name: 'Review changes' }).isEnabled(), () => 'nothing to review')
  await page.getByRole('button', { name: 'Review changes' }).click()
  await page.getByText('planet').last().waitFor()
  await page.getByText('Safe').first().waitFor()
  await audit(page, 'schema-review')

  // Somebody else writes: the page says so, and what.
  await server.api('/v1/schema/write', { schema: schemaText + '\ndefinition moon {}\n' })
  await page.getByRole('alert').getByText('Somebody else changed this meanwhile').waitFor({ timeout: 30_000 })
  await page.getByRole('alert').getByText('moon').first().waitFor()
  await audit(page, 'schema-conflict')
  await page.getByRole('button', { name: 'Take theirs' }).click()
  await page.getByText('Not written yet').waitFor({ state: 'detached' })

  // What relationships stand against is named, and cannot be written.
  await put(page, (await server.api('/pemba/v1/schema/text', {})).schemaText.replaceAll('checked_out_by', 'taken_by'))
  await page.getByRole('tab', { name: 'Diff' }).click()
  await page.getByText('Blocked').first().waitFor()
  await audit(page, 'schema-blocked')
})
