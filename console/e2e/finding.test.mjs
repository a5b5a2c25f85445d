import assert from 'node:assert/strict'
import { inCompany as world } from './demo.mjs'
import { audit, until } from './harness.mjs'

export { world }

/** palette: people and workspaces by name, found by the server, opened by keyboard. */
export const palette = async ({ d, as }) => {
  const page = await as(d.admin)
  const field = page.getByPlaceholder('A page, a person')
  await page.getByRole('main').getByRole('link', { name: 'Modeler', exact: true }).waitFor()
  await page.keyboard.press('Control+k')
  await field.fill('motor cl')
  await page.getByRole('option', { name: /Motor claims.*Modeler/ }).or(page.getByRole('button', { name: /Motor claims.*Modeler/ })).waitFor()
  await audit(page, 'palette-workspace')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Motor claims' }).waitFor()
  await page.keyboard.press('Control+k')
  await field.fill('lena')
  await page.getByText(d.editor.email).waitFor()
  await audit(page, 'palette-person')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Lena Vogt' }).waitFor()

  // Its key counts before the console knows who uses it.
  let know
  const known = new Promise((answer) => { know = answer })
  await page.route('**/portal/v1/me', async (r) => { await known; await r.fallback() })
  await page.reload()
  await page.locator('main [aria-busy=true]').waitFor()
  await page.keyboard.press('Control+k')
  await page.keyboard.type('pr_')
  await page.keyboard.press('Backspace')
  know() // what was typed meanwhile is in its field
  await until(async () => await field.isVisible() && await field.inputValue() === 'pr', async () => `it has ${await field.inputValue()}`)
  await page.unroute('**/portal/v1/me')

  // An owner of a subscription finds its users there.
  const owner = await as(d.owner)
  await owner.getByRole('main').getByRole('link', { name: 'Modeler', exact: true }).waitFor()
  await owner.keyboard.press('Control+k')
  await owner.getByPlaceholder('A page, a person').fill('lena')
  await owner.getByText(`${d.editor.email}, Modeler`).waitFor()
  await owner.keyboard.press('Enter')
  await owner.getByRole('heading', { level: 1, name: 'Modeler' }).waitFor()
  await owner.getByRole('row', { name: /Lena Vogt/ }).waitFor()
  assert.equal(await owner.getByRole('row').count(), 2)
}

/** groups: the groups that a person is in, directly and through others, and one that is left. */
export const groups = async ({ d, as }) => {
  const page = await as(d.admin, '/groups')
  const team = await page.getByRole('row', { name: / team/ }).first().getByRole('link').textContent()
  await page.getByRole('link', { name: team }).click()
  const email = await page.getByRole('main').getByText(/@harbour\.example$/).first().textContent()
  await page.goto('/console/people?search=' + encodeURIComponent(email))
  const link = page.getByRole('row', { name: new RegExp(email) }).getByRole('link')
  const person = await link.textContent()
  await link.click()
  await page.getByRole('heading', { level: 1, name: person }).waitFor()
  await page.getByRole('tab', { name: 'Groups' }).click()
  const inner = page.getByRole('row', { name: new RegExp(team + '.*direct') })
  await inner.waitFor()
  await page.getByRole('row', { name: new RegExp('Operations.*through ' + team) }).waitFor()
  await audit(page, 'person-groups')
  await inner.getByRole('button', { name: /^Actions/ }).click()
  await page.getByRole('menuitem', { name: 'Remove from the group' }).click()
  const dialog = page.getByRole('dialog', { name: `Remove ${person} from ${team}?` })
  await audit(page, 'person-group-leave')
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Cancel')
  await dialog.getByRole('button', { name: 'Remove from the group' }).click()
  await page.getByText('In no group').waitFor()
  await audit(page, 'person-no-groups')
}

/** slash: "/" leads to the search of the lists of a service. */
export const slash = async ({ d, as }) => {
  const page = await as(d.owner, '/services/harbour-modeler?tab=users')
  await page.getByRole('row', { name: /Lena Vogt/ }).waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('lena')
  await page.getByRole('row', { name: /Lena Vogt/ }).waitFor()
  assert.equal(await page.getByRole('searchbox', { name: 'Search' }).inputValue(), 'lena')
  await page.waitForURL(/search=lena/)
}
