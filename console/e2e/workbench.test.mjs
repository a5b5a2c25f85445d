import assert from 'node:assert/strict'
import { audit, go, inServer, settled, until } from './harness.mjs'

export const world = inServer([])

// What a page that takes text for markup would run.
const attack = '<img src=x onerror=alert(1)>'
const schema = `/** A person. ${attack} */
definition user {}

/** Where somebody is. ${attack} */
caveat office(place string) {
  place == "${attack}"
}

definition document {
  /** Who reads it. ${attack} */
  relation viewer: user | user with office
  permission view = viewer
}
`
const update = (operation, id, caveat) => ({ operation, relationship: { resource: { objectType: 'document', objectId: 'plan' }, relation: 'viewer', subject: { object: { objectType: 'user', objectId: id } }, ...(caveat ? { optionalCaveat: caveat } : {}) } })
const write = (server, ...updates) => server.api('/v1/relationships/write', { updates })
const question = (user, context) => '/workbench/check?' + new URLSearchParams({ subject: `user:${user}`, permission: 'view', resource: 'document:plan', ...(context ? { context: JSON.stringify(context) } : {}) })

/** assertions are kept by a check, and asked again when the schema or what is stored has changed. */
export const assertions = async ({ page, server, browser }) => {
  browser.expect(/404/) // there was no schema
  await server.api('/pemba/console/v1/schema/write', { schemaText: schema, reason: attack })
  await write(server, update('OPERATION_TOUCH', 'anna'), update('OPERATION_TOUCH', 'ben', { caveatName: 'office' }), update('OPERATION_TOUCH', 'cleo', { caveatName: 'office', context: { place: attack } }))
  for (const [user, context, answer] of [['anna', undefined, 'yes'], ['ben', { place: 'elsewhere' }, 'no'], ['ben', { place: attack }, 'yes']]) {
    await go(page, question(user, context), 'Check')
    await page.locator(`[data-answer=${answer}]`).waitFor()
    await page.getByRole('button', { name: 'Save as assertion' }).click()
    const dialog = page.getByRole('dialog', { name: 'Save as assertion' })
    await dialog.getByLabel('Note').fill(attack)
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.waitFor({ state: 'detached' })
  }
  const { sets } = await server.api('/pemba/console/v1/assertions/list', {})
  assert.equal(sets[0].assertions.length, 3, 'a question with other values is another question')

  // By keyboard: the form keeps the focus when it asks.
  await page.getByRole('combobox', { name: 'Subject' }).fill('user:anna')
  await page.keyboard.press('Control+Enter')
  await until(() => page.url().includes('anna'), () => page.url())
  await page.locator('[data-answer=yes]').waitFor()
  assert.equal(await page.evaluate(() => document.activeElement.value), 'user:anna')

  await go(page, '/workbench/schema', 'Schema')
  const heights = () => page.evaluate(() => ['.cm-lineNumbers .cm-gutterElement:nth-child(3)', '.cm-line'].map((e) => document.querySelector(e)?.getBoundingClientRect().height))
  await until(async () => { const [number, line] = await heights(); return line > 0 && number === line }, () => 'the numbers do not stand at their lines')
  await page.getByRole('tab', { name: 'Assertions' }).click()
  await page.getByRole('button', { name: 'Run all' }).click()
  await page.getByText('3 hold, 0 do not').waitFor()
  await write(server, update('OPERATION_DELETE', 'anna'))
  await page.getByRole('button', { name: 'Run all' }).click()
  await page.getByText('2 hold, 1 do not').waitFor()
  await page.getByText('does not hold: not granted').waitFor()
  await audit(page, 'schema-assertions')

  // The review asks them under the text.
  await page.locator('.cm-content').click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText(schema.replace('view = viewer', 'view = nil'))
  await page.getByRole('tab', { name: 'Diff' }).click()
  await page.getByText('3 stored assertions were asked').waitFor()
  await page.getByText('document:plan#view@user:ben: granted now, not granted then, does not hold').waitFor()
  await audit(page, 'schema-review-assertions')
  await page.getByRole('button', { name: 'Discard changes' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Discard changes' }).click()
  await page.getByText('Not written yet').waitFor({ state: 'detached' })
}

/** markup: stands in every text that a schema, a relationship and an address may have, and is shown as text. */
export const markup = async ({ page, browser }) => {
  browser.expect(/400|404/) // what an address asks for that is none
  const ran = []
  page.on('dialog', (dialog) => { ran.push(dialog.message()); void dialog.dismiss() })
  const plain = async (where) => {
    await settled(page)
    const made = await page.evaluate(() => document.querySelectorAll('img[src=x], [onerror]').length)
    assert.equal(made, 0, `${where} took text for markup`)
  }
  await go(page, '/workbench/schema', 'Schema')
  await page.getByRole('navigation', { name: 'Outline' }).getByRole('button', { name: 'relation viewer' }).click()
  await page.getByRole('complementary', { name: 'Inspector' }).getByText(attack).waitFor()
  await page.locator('.cm-content').click()
  await page.keyboard.press('Control+End')
  await page.keyboard.insertText(`\ndefinition x {\n  relation y: ${attack}\n}\n`)
  await page.getByRole('tabpanel', { name: 'Problems' }).getByText('Error', { exact: true }).first().waitFor()
  await plain('the problems')
  await page.locator('.cm-lintRange').first().hover()
  await page.locator('.cm-tooltip').first().waitFor()
  await plain('what hovers over a problem')
  await page.getByRole('tab', { name: 'History' }).click()
  await page.getByRole('cell', { name: attack }).waitFor()
  await plain('the history')
  await page.getByRole('tab', { name: 'Assertions' }).click()
  await page.getByText(attack).first().waitFor()
  await plain('the assertions')
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog', { name: 'Delete the set checks?' }).getByRole('button', { name: 'Delete' }).click()
  await page.getByText('No assertions are kept').waitFor()
  await page.getByRole('button', { name: 'Discard changes' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Discard changes' }).click()

  await go(page, '/workbench/relationships?filter=document', 'Relationships')
  await page.getByRole('row', { name: /cleo/ }).getByRole('button', { name: 'office', exact: true }).click()
  await page.getByText('"place"').waitFor()
  await plain('the values of a caveat')
  for (const view of ['tree', 'graph', 'raw']) {
    await go(page, question('ben', { place: attack }) + '&view=' + view, 'Check')
    await page.locator('[data-answer=yes]').waitFor()
    await plain(`the explanation, ${view}`)
  }
  const bad = encodeURIComponent(attack)
  for (const path of ['relationships?filter=', 'watch?filter=', 'who?permission=view&subject=user&resource=', 'what?permission=view&resource=document&subject=', 'check?permission=view&resource=document:plan&subject=']) {
    await go(page, `/workbench/${path}${bad}`)
    await plain(path)
  }
  assert.deepEqual(ran, [], 'a page ran what it was to show')
}
