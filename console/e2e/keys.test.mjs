import { audit, go, scenario } from './harness.mjs'

export const withAKey = () => scenario(['--grpc-preshared-key', 'a-key-of-an-administrator', '--grpc-preshared-key', 'read=a-key-of-a-reader'], async ({ page, browser }) => {
  browser.expect(/401|404|501|403/)
  await page.goto('/console/ops/cluster')
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
  await audit(page, 'sign-in')
  await page.getByLabel('E-mail').fill('maria@example.com')
  await page.keyboard.press('Enter')
  await page.getByText('This server has no portal').waitFor()
  await page.getByLabel('API key').first().fill('wrong')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').waitFor()
  await audit(page, 'sign-in-refused')
  await page.getByLabel('API key').first().fill('a-key-of-a-reader')
  await page.keyboard.press('Enter')
  await page.locator('[data-health]').waitFor()

  // A reader sees, and is offered nothing that would be refused.
  const rail = page.getByRole('navigation', { name: 'Pages' })
  await rail.getByRole('link', { name: 'Relationships' }).waitFor()
  if (await rail.getByRole('link', { name: 'Runtime' }).count()) throw new Error('a reader is led to what he may not see')
  await go(page, '/workbench/relationships', 'Relationships')
  if (await page.getByRole('button', { name: 'Add', exact: true }).count()) throw new Error('a reader is offered to write')
  await go(page, '/ops/runtime', 'Runtime')
  await page.getByText('You may not see this').waitFor()
  await audit(page, 'not-allowed')

  await page.getByRole('button', { name: 'Account' }).click()
  await audit(page, 'account')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor()
})
