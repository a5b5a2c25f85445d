import assert from 'node:assert/strict'
import { audit, go, scenario, shot, until } from './harness.mjs'

export const shell = () => scenario([], async ({ page, browser }) => {
  browser.expect(/404/) // there is no schema yet
  await page.goto('/')
  await page.getByRole('heading', { level: 1 }).waitFor()
  assert.match(page.url(), /\/console\//)
  await go(page, '/ops/cluster', 'Cluster')
  await page.getByText('Healthy.', { exact: false }).waitFor()
  await audit(page, 'cluster')

  // The skip link is the first thing that Tab reaches, and leads to the content.
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content')
  await page.keyboard.press('Enter')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'content')

  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
  await audit(page, 'shortcuts')
  await page.getByLabel('Single keys are shortcuts').click()
  await page.keyboard.press('Escape')
  await page.keyboard.press('?')
  assert.equal(await page.getByRole('dialog').count(), 0)

  await page.keyboard.press('Control+k')
  await page.getByPlaceholder('A page, a person').fill('clus')
  await audit(page, 'palette')
  await page.keyboard.press('Enter')
  await page.getByPlaceholder('A page, a person').waitFor({ state: 'detached' })

  await go(page, '/no/such/page', 'There is no such page')
  await audit(page, 'not-found')
})

export const firstVisit = () => scenario([], async ({ page, browser }) => {
  browser.expect(/404|501 .*first-run/) // a server without the portal
  const sizes = []
  page.on('requestfinished', async (r) => {
    if (r.url().includes('/console/')) sizes.push((await r.sizes()).responseBodySize)
  })
  await go(page, '/sign-in', 'Sign in')
  await page.getByRole('button', { name: 'Next' }).waitFor()
  const total = sizes.reduce((a, b) => a + b, 0)
  console.log(`first visit: ${(total / 1000).toFixed(1)} kB in ${sizes.length} files`)
  assert.ok(total > 50_000 && total < 200_000, `a first visit loads ${total} bytes`)

  // What does not change is not loaded again.
  sizes.length = 0
  await page.reload()
  await page.getByRole('button', { name: 'Next' }).waitFor()
  assert.ok(sizes.reduce((a, b) => a + b, 0) < 5_000, 'assets are kept')

  // With the colours of the system alone, everything can still be told apart.
  await go(page, '/ops/cluster', 'Cluster')
  await page.locator('[data-health]').waitFor()
  await page.emulateMedia({ forcedColors: 'active' })
  await shot(page, 'cluster-forced-colors')
})

export const manyRows = () => scenario([], async ({ page, server, browser }) => {
  browser.expect(/404/)
  await server.api('/v1/schema/write', { schema: 'definition user {}\ndefinition group { relation member: user }' })
  const rows = 10_000
  for (let i = 0; i < rows; i += 1000) {
    await server.api('/v1/relationships/write', {
      updates: Array.from({ length: 1000 }, (_, j) => ({
        operation: 'OPERATION_TOUCH',
        relationship: { resource: { objectType: 'group', objectId: 'all' }, relation: 'member', subject: { object: { objectType: 'user', objectId: `u${String(i + j).padStart(5, '0')}` } } },
      })),
    })
  }
  const at = '/workbench/who?' + new URLSearchParams({ resource: 'group:all', permission: 'member', subject: 'user' })
  await go(page, at, 'Who can')
  await page.getByText('10,000 found').waitFor({ timeout: 60_000 })
  assert.equal(await page.getByRole('table', { name: 'Results' }).getAttribute('aria-rowcount'), '10001')
  await page.getByRole('region', { name: 'Results, can be scrolled' }).focus()
  await page.keyboard.press('j')
  await page.keyboard.press('End')
  await page.getByText('user:u09999').waitFor()
  await until(async () => (await page.evaluate(() => document.activeElement.getAttribute('aria-rowindex'))) === '10001', () => 'the last row has not the focus')
  assert.ok(await page.getByRole('row').count() < 80, 'only rows in view are drawn')
  await page.getByRole('switch', { name: 'Show as pages' }).click()
  await page.getByText('1–100').waitFor()
  await page.getByRole('button', { name: 'Next' }).click()
  await page.getByText('101–200').waitFor()
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Next')
})
