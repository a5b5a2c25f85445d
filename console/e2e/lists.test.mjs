import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { caller, inCompany as world, operator } from './demo.mjs'
import { audit, go } from './harness.mjs'

export { world }

const titled = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor()
const step = (page, n) => page.getByRole('heading', { level: 2, name: `Step ${n} of 5` }).waitFor()

/** saves gives the text of the file that a button saves. */
async function saves(page, button) {
  const [file] = await Promise.all([page.waitForEvent('download'), button.click()])
  return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') }
}

/** imports: a file is judged row by row, and only then written; what is wrong stays out and can be saved. */
export const imports = async ({ d, as }) => {
  const page = await as(d.admin, '/people')
  await page.getByRole('link', { name: 'Import CSV' }).click()
  await titled(page, 'Import people')
  assert.match((await saves(page, page.getByRole('button', { name: 'Save a template' }))).text, /^\uFEFF?email,given_name,surname,job_title,manager_email,active/)
  await page.getByLabel('Or paste it here').fill([
    'Mail;First;Last;Title',
    'rosa.lind@harbour.example;Rosa;Lind;Actuary',
    `${d.editor.email};Lena;Vogt;Senior Analyst`,
    'not an address;Nobody;;',
    'rosa.lind@harbour.example;Rosa;Again;',
    '',
  ].join('\n'))
  await page.getByRole('button', { name: 'Next' }).click()
  await step(page, 2)
  for (const [column, target] of [['Mail', 'E-mail'], ['First', 'Given name'], ['Last', 'Surname'], ['Title', 'Job title']]) {
    const field = page.getByRole('combobox', { name: column, exact: true })
    if (await field.inputValue() === target) continue
    await field.click()
    await page.getByRole('option', { name: target, exact: true }).click()
  }
  await page.getByLabel('Change people who are registered already').check()
  await audit(page, 'import-columns')
  await page.getByRole('button', { name: 'See what would happen' }).click()
  await step(page, 3)
  await page.getByText('1 new, 1 changed, 0 as they are, 2 with errors. Nothing is written yet.').waitFor()
  await page.getByRole('row', { name: /not an address/ }).getByText('error', { exact: true }).waitFor()
  await page.getByRole('row', { name: /lena\.vogt.*Changes Job title/ }).waitFor()
  await audit(page, 'import-judged')
  const call = await caller(d, d.admin)
  assert.equal((await call('GET users?search=rosa.lind')).users.length, 0, 'a dry run writes nothing')

  await page.getByRole('button', { name: 'Import 2' }).click()
  await step(page, 5)
  await page.getByText('1 created, 1 changed').first().waitFor()
  await audit(page, 'import-done')
  assert.equal((await call('GET users?search=rosa.lind')).users[0].jobTitle, 'Actuary')
  const lena = (await call('GET users?search=lena.vogt')).users[0]
  assert.deepEqual([lena.jobTitle, lena.state], ['Senior Analyst', 'USER_STATE_ACTIVE'])

  // What was not imported is kept with its reasons, and can be saved.
  await page.getByText('2 of 4 done').first().waitFor()
  const rest = await saves(page, page.getByRole('button', { name: 'Download the rest with reasons' }))
  assert.equal(rest.name, 'not-imported.tsv')
  assert.match(rest.text, /^4\tnot an address\t.*@.*\n5\trosa\.lind@harbour\.example\t.+\n$/)
  await page.getByRole('link', { name: 'Go to the people' }).click()
  await page.getByRole('row', { name: /Rosa Lind/ }).waitFor()
}

/** exports: the list as it is filtered, in a file that a spreadsheet does not compute. */
export const exports = async ({ d, as }) => {
  const call = await caller(d, d.admin)
  await call('POST users', { email: 'formula@harbour.example', givenName: '=HYPERLINK("http://elsewhere.example")', surname: '@SUM(1)', jobTitle: '+cmd', noInvitation: true })
  const page = await as(d.admin, '/people?search=formula')
  await page.getByRole('row', { name: /formula@/ }).waitFor()
  const { name, text } = await saves(page, page.getByRole('button', { name: 'Export' }))
  assert.equal(name, 'people.csv')
  const lines = text.trim().split(/\r?\n/)
  assert.equal(lines.length, 2, 'the filter counts')
  assert.match(lines[1], /^formula@harbour\.example,/)
  assert.ok(!/(^|,)"?[=+@-]/.test(lines[1]), `a spreadsheet computes a cell of ${lines[1]}`)
}

/** roles: who holds a role, where and how; filters are in the address. */
export const roles = async ({ d, as }) => {
  const page = await as(d.admin, '/people')
  await page.getByRole('link', { name: 'Roles', exact: true }).click()
  await titled(page, 'Roles')
  await page.getByRole('row', { name: /Ingrid Solberg.*direct/ }).waitFor()
  const choose = async (field, option) => {
    await page.getByRole('combobox', { name: field }).click()
    await page.getByRole('option', { name: option, exact: true }).click()
  }
  await choose('Role', 'Editor')
  await page.getByRole('row', { name: /Lena Vogt.*Motor claims.*direct/ }).waitFor()
  await choose('Service', 'Automation')
  await page.getByText('Nobody holds this role').waitFor()
  await audit(page, 'roles-none')
  await choose('Service', 'Modeler')
  await page.getByRole('searchbox').fill('lena')
  await page.waitForURL(/search=lena/)
  await page.reload()
  await page.getByRole('row', { name: /Lena Vogt/ }).waitFor()
  assert.equal(await page.getByRole('row').count(), 2)
  await audit(page, 'roles')
}

/** licences: several are added to a service that has not licences enough: some get in, and why the rest did not is said. */
export const licences = async ({ d, browser, as }) => {
  const call = await caller(d, d.admin)
  const used = (await call('GET subscriptions/harbour-bi')).subscription.licencesUsed
  await operator(d)('PATCH operator/subscriptions/harbour-bi', { licences: used + 1 })
  browser.expect(/400 .*\/subscriptions\/harbour-bi\/users\)/)
  const outside = (await call('GET users?state=USER_STATE_INVITED')).users.filter((u) => !u.services?.includes('SERVICE_BI')).slice(0, 3)
  const named = (u) => u.givenName + ' ' + u.surname
  const page = await as(d.admin, '/people?search=' + encodeURIComponent('@harbour.example'))
  const bar = page.getByRole('region', { name: 'Selected people' })
  for (const u of outside.slice(0, 2)) await page.getByRole('checkbox', { name: `Select ${named(u)}` }).check()
  await bar.getByRole('button', { name: 'Add to a service' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add people to a service' })
  await dialog.getByRole('combobox', { name: 'Service' }).click()
  await page.getByRole('option', { name: 'Business Insights' }).click()
  await dialog.getByRole('button', { name: 'Begin' }).click()
  await dialog.getByText('1 of 2 done').first().waitFor()
  await dialog.getByText(/licences?, of which 0 are free/).waitFor()
  await audit(page, 'people-licences')
  assert.match((await saves(page, dialog.getByRole('button', { name: 'Download the rest with reasons' }))).text, /\t.*licences/)

  // One dialog of the service counts while one picks.
  await go(page, '/services/harbour-bi?tab=users', 'Business Insights')
  await page.getByRole('button', { name: 'Include users' }).click()
  const include = page.getByRole('dialog', { name: 'Include users' })
  await include.getByText('0 licences left').waitFor()
  await include.getByRole('textbox', { name: 'People or groups' }).fill(outside[2].email)
  await page.getByRole('option', { name: new RegExp(named(outside[2])) }).click()
  await include.getByText('1 too many are picked', { exact: false }).waitFor()
  await include.getByRole('button', { name: 'Include users' }).click()
  await include.getByRole('alert').getByText('buy more, or remove users first', { exact: false }).waitFor()
  await audit(page, 'include-licences')
}
