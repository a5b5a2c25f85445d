import assert from 'node:assert/strict'
import { join } from 'node:path'
import { audit, free, go, open, repository, scenario, serve, temporary, until } from './harness.mjs'

export const cluster = () => scenario([], async ({ page, browser, server }) => {
  browser.expect(/50[13]|404/)
  const { members: [{ term }] } = await server.api('/pemba/v1/cluster/status', {})
  assert.match(term, /^[1-9]\d*$/)
  await go(page, '/ops/cluster', 'Cluster')
  await page.locator('[data-health=good]').waitFor()
  await audit(page, 'cluster')
  const columns = await page.getByRole('columnheader').allTextContents()
  const cell = page.getByRole('row').nth(1).locator('th, td').nth(columns.indexOf('Term'))
  await until(async () => await cell.textContent() === Number(term).toLocaleString('en'), async () => `the term is ${term}, and shown is ${await cell.textContent()}`)
  // A member whose program is older does not say its term: that is not 0.
  await page.route('**/pemba/v1/cluster/status', async (route) => {
    const answer = await route.fetch()
    const body = await answer.json()
    for (const m of body.members) delete m.term
    await route.fulfill({ response: answer, json: body })
  })
  await until(async () => await cell.textContent() === 'no data', async () => `no term is shown as ${await cell.textContent()}`)
  await page.unroute('**/pemba/v1/cluster/status')
  await page.getByRole('button', { name: /^Actions for/ }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('no healthy majority').waitFor()
  assert.ok(await dialog.getByRole('button', { name: 'Remove' }).isDisabled())
  await audit(page, 'cluster-remove')
})

export const node = () => scenario([], async ({ page, browser, server }) => {
  browser.expect(/404/) // there is no schema yet
  const { node: id } = await server.api('/pemba/v1/cluster/status', {})
  await go(page, '/ops/cluster', 'Cluster')
  await page.getByRole('rowheader').getByRole('link').first().click()
  await page.getByRole('heading', { level: 1, name: /^Node/ }).waitFor()
  assert.ok(page.url().endsWith('/ops/nodes/' + id))
  await page.getByRole('region', { name: 'Raft' }).getByText('leader', { exact: true }).waitFor()
  await page.getByRole('region', { name: 'The newest lines' }).waitFor()
  await audit(page, 'node')
  const loading = page.waitForEvent('download')
  await page.getByLabel('Kind of profile').selectOption('Goroutines')
  await page.getByRole('button', { name: 'Take and download' }).click()
  assert.match((await loading).suggestedFilename(), /goroutine/)
  browser.expect(/400/)
  await go(page, '/ops/nodes/another', /^Node/)
  await page.getByText('told by that node alone').waitFor()
  await audit(page, 'node-elsewhere')
})

export const runtime = () => scenario(['--log-level', 'debug'], async ({ page }) => {
  await go(page, '/ops/runtime', 'Runtime')
  await page.getByRole('rowheader', { name: '--http-addr' }).waitFor()
  await audit(page, 'runtime')
  await page.getByRole('switch', { name: 'Only what is not the default' }).click()
  await page.getByRole('rowheader', { name: '--log-level' }).waitFor()
  assert.equal(await page.getByRole('rowheader', { name: '--log-format' }).count(), 0)
  await page.getByRole('searchbox', { name: 'Filter the settings' }).fill('nothing like it')
  await page.getByText('No setting matches').waitFor()
  await audit(page, 'runtime-none')
})

export const backups = async () => {
  const { dir, remove } = temporary()
  try {
    await scenario([], async ({ page }) => {
      await go(page, '/ops/backups', 'Backups')
      await page.getByText('This node makes no backups here').waitFor()
      await audit(page, 'backups-off')
    })
    await scenario(['--backup-dir', dir, '--bootstrap', join(repository, 'testdata/portal/fixture.yaml')], async ({ page }) => {
      await go(page, '/ops/backups', 'Backups')
      await page.getByText('There are no backups yet').waitFor()
      await audit(page, 'backups-none')
      await page.getByRole('button', { name: 'Take now' }).click()
      await page.getByText('The backup is made and verified.').waitFor()
      await audit(page, 'backups-taken')
      await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
      await page.getByRole('table', { name: 'Backups' }).waitFor()
      await page.getByText('whole').waitFor()
      await audit(page, 'backups')
      await page.getByRole('row').nth(1).focus()
      await page.keyboard.press('Enter')
      await page.getByText('a store would take it', { exact: false }).waitFor()
      await audit(page, 'backups-verified')
    })
  } finally {
    remove()
  }
}

/** trio starts three nodes that found one cluster. */
async function trio(dir) {
  const raft = [await free(), await free(), await free()].map((p) => `127.0.0.1:${p}`)
  const start = (i) => serve(['--data-dir', `${dir}/n${i}`, '--raft-addr', raft[i], '--bootstrap-expect', '3', '--join', raft.filter((_, j) => j !== i).join(',')])
  return Promise.all([0, 1, 2].map(start))
}

export const nodesAreLost = async () => {
  const { dir, remove } = temporary()
  const nodes = await trio(dir)
  const browser = await open(nodes[0].base)
  try {
    browser.expect(/.*/) // nodes go away: requests fail, and the console of the browser says so
    const page = await browser.window()
    await go(page, '/ops/cluster', 'Cluster')
    await page.getByText('Can lose 1 of 3 voters.', { exact: false }).waitFor()
    await audit(page, 'cluster-three')
    await nodes[2].stop()
    await page.locator('[data-health=warning]').waitFor({ timeout: 30_000 })
    await audit(page, 'cluster-one-lost')
    await nodes[1].stop()
    // Without a majority nothing can be written: every page says so, and writes are off.
    await page.locator('[data-health=bad]').waitFor({ timeout: 60_000 })
    await page.getByText('Read only:', { exact: false }).waitFor({ timeout: 60_000 })
    await audit(page, 'cluster-no-leader')
    await go(page, '/workbench/relationships', 'Relationships')
    await page.getByText('Read only:', { exact: false }).waitFor()
    await until(async () => await page.getByRole('button', { name: 'Add', exact: true }).getAttribute('aria-disabled') === 'true', () => 'Add can be pressed')
    await audit(page, 'read-only')
    await nodes[0].stop()
    await page.getByText('The server cannot be reached', { exact: false }).waitFor({ timeout: 60_000 })
    await audit(page, 'server-gone')
  } finally {
    await browser.close()
    for (const n of nodes) await n.stop()
    remove()
  }
}
