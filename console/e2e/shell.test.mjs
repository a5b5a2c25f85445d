import assert from 'node:assert/strict'
import { audit, go, scenario } from './harness.mjs'

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
  await page.getByPlaceholder('A page, or an object').fill('clus')
  await audit(page, 'palette')
  await page.keyboard.press('Enter')
  await page.getByPlaceholder('A page, or an object').waitFor({ state: 'detached' })

  await go(page, '/no/such/page', 'There is no such page')
  await audit(page, 'not-found')
})
