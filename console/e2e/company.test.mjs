import assert from 'node:assert/strict'
import { caller, inCompany as world } from './demo.mjs'
import { audit, go, until } from './harness.mjs'

export { world }

const titled = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor()

/** pick finds somebody in a field of names, and takes the one whose name is given. */
async function pick(dialog, field, text, name) {
  await dialog.getByRole('textbox', { name: field }).fill(text)
  await dialog.page().getByRole('option', { name }).first().click()
}

/** disabledFor tells that a button is there, cannot be pressed, and says why. */
async function disabledFor(button, why) {
  await until(async () => await button.getAttribute('aria-disabled') === 'true', () => 'the button can be pressed')
  assert.match(await button.getAttribute('aria-description'), why)
}

/** administrators: included from the pool, removed; nobody removes himself, and the last one stays. */
export const administrators = async ({ d, browser, as }) => {
  const page = await as(d.admin, '/administrators')
  await titled(page, 'Administrators')
  const rows = page.getByRole('table').getByRole('row')
  await rows.nth(1).waitFor()
  await page.getByRole('button', { name: 'Actions for Ingrid Solberg' }).click()
  const last = page.getByRole('menuitem', { name: /^Remove as administrator/ })
  assert.ok(await last.isDisabled())
  assert.match(await last.textContent(), /last active administrator/)
  await audit(page, 'administrators-last')
  await page.keyboard.press('Escape')

  await page.getByRole('button', { name: 'Include administrator' }).click()
  const dialog = page.getByRole('dialog', { name: 'Include administrator' })
  await pick(dialog, 'Person', 'marcus', /Marcus/)
  await audit(page, 'administrator-include')
  await dialog.getByRole('button', { name: 'Include administrator' }).click()
  await page.getByRole('row', { name: /Marcus Oyelaran/ }).waitFor()

  // Of two, each may go.
  const marcus = await as(d.owner, '/administrators')
  await marcus.getByRole('button', { name: 'Actions for Ingrid Solberg' }).click()
  assert.ok(await marcus.getByRole('menuitem', { name: 'Remove as administrator' }).isEnabled())
  await marcus.keyboard.press('Escape')

  await page.getByRole('button', { name: 'Actions for Marcus Oyelaran' }).click()
  await page.getByRole('menuitem', { name: 'Remove as administrator' }).click()
  await page.getByRole('dialog', { name: /Remove Marcus Oyelaran/ }).getByRole('button', { name: 'Remove as administrator' }).click()
  await page.getByRole('row', { name: /Marcus Oyelaran/ }).waitFor({ state: 'detached' })

  // He still sees the page, and is refused at the next thing that he does.
  browser.expect(/403 .*\/portal\/v1\//)
  await marcus.getByRole('button', { name: 'Include administrator' }).click()
  await marcus.getByRole('dialog').getByRole('textbox', { name: 'Person' }).fill('lena')
  await marcus.getByText('you lack the permission', { exact: false }).first().waitFor()
}

/** groups: created with members, nested, a cycle refused with its path, emptied, deleted. */
export const groups = async ({ d, browser, as }) => {
  const call = await caller(d, d.admin)
  const page = await as(d.admin, '/groups')
  await page.getByRole('row', { name: /Operations/ }).waitFor()
  await audit(page, 'groups')
  await page.getByRole('button', { name: 'Create group' }).click()
  const create = page.getByRole('dialog', { name: 'Create group' })
  await create.getByLabel('Name').fill('Night shift')
  await create.getByLabel('Description').fill('Who answers at night')
  await pick(create, 'Members', 'lena', /Lena/)
  await audit(page, 'group-create')
  await create.getByRole('button', { name: 'Create group' }).click()
  await page.getByRole('link', { name: 'Night shift' }).click()
  await titled(page, 'Night shift')
  await page.getByRole('listitem').filter({ hasText: 'Lena Vogt' }).waitFor()
  await disabledFor(page.getByRole('button', { name: 'Delete', exact: true }), /Take them out first/)

  // Into the group of all teams, which then cannot come into it.
  const add = async (group, text, name) => {
    await page.getByRole('button', { name: 'Add members' }).click()
    const dialog = page.getByRole('dialog', { name: `Add members to ${group}` })
    await pick(dialog, 'Members', text, name)
    await dialog.getByRole('button', { name: 'Add members' }).click()
    return dialog
  }
  await go(page, '/groups', 'Groups')
  await page.getByRole('link', { name: 'Operations' }).click()
  await titled(page, 'Operations')
  await (await add('Operations', 'night', /Night shift/)).waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Show the members of Night shift' }).click()
  await page.getByRole('listitem').filter({ hasText: 'Lena Vogt' }).last().waitFor()
  await audit(page, 'group-nested')
  await page.getByRole('tab', { name: 'Effective members' }).click()
  await page.getByRole('row', { name: /Lena Vogt/ }).getByText('Lena Vogt is in the group “Night shift”').waitFor()
  const other = page.getByRole('row', { name: /Amina Almeida/ })
  await other.getByText(/Amina Almeida is in the group “\w+ team”/).waitFor()
  assert.equal(await other.getByText('Night shift').count(), 0, 'the way of another is not hers')

  await go(page, '/groups?search=night', 'Groups')
  await page.getByRole('link', { name: 'Night shift' }).click()
  browser.expect(/400 .*\/members\)/)
  const refused = await add('Night shift', 'operations', /^Operations/)
  await refused.getByRole('alert').getByText('A group cannot contain itself').waitFor()
  const path = await refused.getByRole('alert').textContent()
  assert.match(path, /Night shift.*Operations.*Night shift|Operations.*Night shift.*Operations/, 'the path of the cycle')
  await audit(page, 'group-cycle')

  // Escape closes what lies on top alone, and asks before what was picked is lost.
  const leaving = page.getByRole('dialog', { name: 'Leave without saving?' })
  await page.keyboard.press('Escape')
  await leaving.waitFor()
  await audit(page, 'leaving')
  await page.keyboard.press('Escape')
  await leaving.waitFor({ state: 'detached' })
  await refused.getByRole('alert').waitFor()
  await page.keyboard.press('Escape')
  await leaving.getByRole('button', { name: 'Leave', exact: true }).click()
  await refused.waitFor({ state: 'detached' })

  // Everybody with a job title.
  await (await add('Night shift', 'claims analyst', /Claims Analyst/)).waitFor({ state: 'detached' })
  await page.getByRole('listitem').filter({ hasText: 'Claims Analyst' }).getByText('job title').waitFor()
  await page.getByRole('tab', { name: 'Effective members' }).click()
  await page.getByRole('row', { name: /Lena Vogt/ }).waitFor()
  await page.getByRole('tab', { name: 'Members', exact: true }).click()

  for (const member of ['Lena Vogt', 'Claims Analyst']) {
    await page.getByRole('button', { name: `Remove ${member}` }).click()
    await page.getByRole('dialog', { name: `Remove ${member} from Night shift?` }).getByRole('button', { name: 'Remove', exact: true }).click()
    await page.getByRole('button', { name: `Remove ${member}` }).waitFor({ state: 'detached' })
  }
  await page.getByText('Nobody is in it yet').waitFor()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  const deletion = page.getByRole('dialog', { name: 'Delete Night shift?' })
  await deletion.getByText('It is still used. Take it out of', { exact: false }).waitFor()
  assert.ok(await deletion.getByRole('button', { name: 'Delete' }).isDisabled())
  await audit(page, 'group-used')
  const operations = (await call('GET groups?search=Operations')).groups[0].id
  await call(`POST groups/${operations}/members`, { remove: [{ group: new URL(page.url()).pathname.split('/').at(-1) }] })
  await page.keyboard.press('Escape')
  await page.reload()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await deletion.getByRole('button', { name: 'Delete' }).click()
  await titled(page, 'Groups')
  await page.getByRole('row', { name: /Operations/ }).waitFor()
  assert.equal(await page.getByRole('row', { name: /Night shift/ }).count(), 0)
}

/** meanwhile: two change the same; the second is shown what the first wrote, and loses nothing of his own. */
export const meanwhile = async ({ d, browser, as }) => {
  const call = await caller(d, d.admin)
  browser.expect(/409 .*\/portal\/v1\//)
  const page = await as(d.admin, '/people?search=' + encodeURIComponent(d.owner.email))
  const other = {
    person: (await call('GET users?search=' + encodeURIComponent(d.owner.email))).users[0],
    group: (await call('GET groups?search=Operations')).groups[0],
    workspace: (await call('GET subscriptions/harbour-modeler/workspaces?search=Motor')).workspaces[0],
  }
  const sides = (dialog, field) => dialog.getByRole('row', { name: new RegExp('^' + field) })

  await page.getByRole('link', { name: 'Marcus Oyelaran' }).click()
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  let dialog = page.getByRole('dialog')
  await dialog.getByLabel('Surname').fill('Oyelaran-Berg')
  await call(`PATCH users/${other.person.id}`, { surname: 'Oyelaran-Holt', jobTitle: 'Chief of Claims' })
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByText('Somebody else changed this meanwhile').waitFor()
  await sides(dialog, 'Surname').getByText('Oyelaran-Holt').waitFor()
  await sides(dialog, 'Surname').getByText('Oyelaran-Berg').waitFor()
  assert.equal(await dialog.getByLabel('Surname').inputValue(), 'Oyelaran-Berg')
  await audit(page, 'person-conflict')
  await dialog.getByRole('button', { name: 'Apply anyway' }).click()
  await titled(page, 'Marcus Oyelaran-Berg')
  const person = (await call(`GET users/${other.person.id}`)).user
  assert.deepEqual([person.surname, person.jobTitle], ['Oyelaran-Berg', 'Chief of Claims'], 'the title of the other is kept')

  // What is reloaded is what the other wrote.
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await dialog.getByLabel('Surname').fill('Mine')
  await call(`PATCH users/${other.person.id}`, { surname: 'Oyelaran' })
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByRole('button', { name: 'Reload' }).click()
  await until(async () => await dialog.getByLabel('Surname').inputValue() === 'Oyelaran', () => 'the form has not the newest')
  await page.keyboard.press('Escape')

  for (const [what, at, edit] of [['group', `/groups/${other.group.id}`, 'Edit'], ['workspace', `/services/${other.workspace.subscriptionId}/workspaces/${other.workspace.id}`, 'Edit information']]) {
    const { id, name } = other[what]
    await go(page, at, name)
    await page.getByRole('button', { name: edit, exact: true }).click()
    dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill(name + ' 2')
    await call(`PATCH ${what}s/${id}`, { name: name + ' 1', description: 'by the other' })
    await dialog.getByRole('button', { name: 'Save' }).click()
    await dialog.getByText('Somebody else changed this meanwhile').waitFor()
    await sides(dialog, 'Name').getByText(name + ' 1').waitFor()
    assert.equal(await dialog.getByLabel('Name').inputValue(), name + ' 2')
    await audit(page, what + '-conflict')
    await dialog.getByRole('button', { name: 'Apply anyway' }).click()
    await titled(page, name + ' 2')
    const now = (await call(`GET ${what}s/${id}`))[what]
    assert.deepEqual([now.name, now.description], [name + ' 2', 'by the other'])
    await call(`PATCH ${what}s/${id}`, { name })
  }
}
