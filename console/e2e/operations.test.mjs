import assert from 'node:assert/strict'
import { audit, free, go, open, scenario, serve, temporary, until } from './harness.mjs'

export const cluster = () => scenario([], async ({ page, browser }) => {
  browser.expect(/50[13]|404/)
  await go(page, '/ops/cluster', 'Cluster')
  await page.locator('[data-health=good]').waitFor()
  await audit(page, 'cluster')
  await page.getByRole('button', { name: /^Actions for/ }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('no healthy majority').waitFor()
  assert.ok(await dialog.getByRole('button', { name: 'Remove' }).isDisabled())
  await audit(page, 'cluster-remove')
})

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
