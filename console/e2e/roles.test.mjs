import assert from 'node:assert/strict'
import { caller, inCompany as world, signIn } from './demo.mjs'
import { settled } from './harness.mjs'

export { world }

const modeler = 'harbour-modeler'
let motor = '' // the id of the model "Motor claims"

// Who looks, and what makes Lena Vogt one: her role in the subscription, and that on
// the model. The administrator is Ingrid Solberg, who also runs the installation.
const roles = [
  ['administrator'],
  ['subscription owner', 'owner', ''],
  ['subscription viewer', 'viewer', ''],
  ['model owner', 'user', 'owner'],
  ['editor', 'user', 'editor'],
  ['contributor', 'user', 'contributor'],
  ['included, no role', 'user', ''],
  ['in the company alone', '', ''],
]

// Each page and where it is, and the row whose menu is opened there. What is no
// address is the tab of the page before, where there is one.
const pages = [
  ['home', '/'],
  ['people', '/people', 'Amina Almeida'],
  ['administrators', '/administrators', 'Ingrid Solberg'],
  ['groups', '/groups', 'Operations'],
  ['roles', '/roles'],
  ['audit', '/audit'],
  ['settings', '/settings'],
  ['service', `/services/${modeler}`, 'Motor claims'],
  ['users', 'Users', 'Bjorn Haddad'],
  ['its groups', 'Groups'],
  ['model', () => `/services/${modeler}/workspaces/${motor}`],
  ['diagrams', 'Diagrams', 'Intake'],
  ['schema', '/workbench/schema'],
  ['check', '/workbench/check'],
  ['cluster', '/ops/cluster'],
]

// What there is, and by an x who sees it: the columns are the roles above, in their
// order. Whatever else somebody sees is a fault, too.
const seen = `
xxxxxxxx  rail: Home
x.......  rail: People
xx......  rail: Groups
x.......  rail: Administrators
x.......  rail: Sign-in settings
x.......  rail: Audit log
xxxxxxx.  rail: Modeler
x.......  rail: Automation
x.......  rail: Studio Collaboration
x.......  rail: Artificial Intelligence
x.......  rail: Business Insights
x.......  rail: Schema
x.......  rail: Relationships
x.......  rail: Check
x.......  rail: Who can
x.......  rail: What can
x.......  rail: Sandbox
x.......  rail: Watch
x.......  rail: Cluster
x.......  rail: Backups
x.......  rail: Runtime
xxxxxxx.  home: card Modeler
x.......  home: card Automation
x.......  home: card Studio Collaboration
x.......  home: card Artificial Intelligence
x.......  home: card Business Insights
x.......  people: button Roles
x.......  people: button Export
x.......  people: button Import CSV
x.......  people: button Add
x.......  people: entry Open
x.......  people: entry Edit
x.......  people: entry Send the invitation again
x.......  people: entry Deactivate
.xxxxxxx  people: not allowed
x.......  administrators: button Include administrator
x.......  administrators: entry Open
x.......  administrators: entry Remove as administrator
.xxxxxxx  administrators: not allowed
xx......  groups: button Create group
x.......  groups: entry Open
x.......  groups: entry Edit
x.......  groups: entry Delete
..xxxxxx  groups: not allowed
.xxxxxxx  roles: not allowed
x.......  audit: button Verify
x.......  audit: button Export CSV
x.......  audit: button Export NDJSON
.xxxxxxx  audit: not allowed
x.......  settings: tab Policies
x.......  settings: tab Authenticators
x.......  settings: tab Clients
x.......  settings: button Save
.xxxxxxx  settings: not allowed
xxx.....  service: tab Users
xxxxxxx.  service: tab Models
xx......  service: tab Groups
xx......  service: tab Settings
xxxxxxx.  service: button Create model
xx.xx...  service: entry Edit information
xx.x....  service: entry Share
xxxxxx..  service: entry Open
xx.x....  service: entry Delete
.......x  service: not allowed
x.......  users: button Create user
xx......  users: button Include users
xx......  users: entry Change role
xx......  users: entry Remove
xx......  its groups: button Create group
xxxxxx..  model: tab Overview
xxxxxx..  model: tab Access
xxxxxx..  model: tab Diagrams
xx.x....  model: tab Activity
xx.xx...  model: button Edit information
xx.x....  model: button Delete
xx.x....  model: button Share
......xx  model: not allowed
xx.x....  diagrams: button Permissions
xx.xx...  diagrams: button Create diagram
xx.xx...  diagrams: entry Check out
xx.xx...  diagrams: entry Unpublish
xxxxxx..  diagrams: entry Comments
xx.x....  diagrams: entry Permissions
xx.xx...  diagrams: entry Delete
x.......  schema: tab Problems
x.......  schema: tab Diff
x.......  schema: tab Assertions
x.......  schema: tab History
x.......  schema: button Review changes
x.......  schema: button Write
x.......  schema: button Back
x.......  schema: button Forward
x.......  schema: button Format
.xxxxxxx  schema: not allowed
x.......  check: button Check
x.......  check: button Caveat values and point in time
.xxxxxxx  check: not allowed
x.......  cluster: button Drain this node
x.......  cluster: button As a table
.xxxxxxx  cluster: not allowed
`

/** look says what there is: tabs and buttons, the entries of a row's menu, or that it is refused. */
async function look(page, place, row) {
  await settled(page)
  const things = await page.evaluate((within) => {
    const main = document.querySelector(within)
    const all = (selector, word) => [...main.querySelectorAll(selector)].map((e) => `${word} ${e.textContent.trim()}`)
    if (main.textContent.includes('You may not see this')) return ['not allowed']
    return [...all('section[aria-labelledby=home-services] a', 'card'), ...all('[role=tab]', 'tab'), ...all('.mantine-Button-root', 'button')]
  }, place)
  const menu = page.getByRole('button', { name: `Actions for ${row}`, exact: true })
  if (!row || await menu.count() === 0) return things
  await menu.click()
  await page.getByRole('menuitem').first().waitFor()
  things.push(...(await page.getByRole('menuitem').allInnerTexts()).map((t) => 'entry ' + t.split('\n')[0]))
  await page.keyboard.press('Escape')
  await page.getByRole('menuitem').first().waitFor({ state: 'detached' })
  return things
}

/** visit goes to a page as a link would, without loading the console again, or to a tab, and looks. */
async function visit(page, to, row) {
  if (to.startsWith('/')) {
    if (new URL(page.url()).pathname === '/console' + to) return look(page, 'main', row)
    await page.evaluate((path) => {
      document.querySelector('main h1').dataset.before = ''
      history.pushState(null, '', '/console' + path)
      dispatchEvent(new PopStateEvent('popstate'))
    }, to)
    await page.locator('main h1:not([data-before])').waitFor()
    return look(page, 'main', row)
  }
  const tab = page.getByRole('tab', { name: to, exact: true })
  if (await tab.count() === 0) return []
  await tab.click()
  await page.getByRole('tabpanel', { name: to, exact: true }).waitFor()
  return look(page, '[role=tabpanel]:not(:empty)', row)
}

/** everything: each role looks at each page. */
export const everything = async ({ d, browser, as }) => {
  browser.expect(/40[034] .*\/(portal|pemba|v1)\//)
  const call = await caller(d, d.admin)
  motor = (await call(`GET subscriptions/${modeler}/workspaces?search=Motor`)).workspaces[0].id
  const lena = { user: (await call('GET users?search=' + d.editor.email)).users[0].id }
  let on = 'editor'
  const become = async (role, subscription, model) => {
    if (role === 'administrator') return
    if (on !== '') await call(`POST workspaces/${motor}/access`, { changes: [{ member: lena, role: '', presentRole: on }] })
    if (subscription) await call(`PATCH subscriptions/${modeler}/users`, { member: lena, role: subscription })
    else await call(`POST subscriptions/${modeler}/users:remove`, { member: lena })
    if (model) await call(`POST workspaces/${motor}/access`, { changes: [{ member: lena, role: model }] })
    on = model
  }
  const found = new Map() // thing -> the roles that see it
  const note = (thing, i) => found.set(thing, (found.get(thing) ?? '.'.repeat(roles.length)).replace(/./g, (c, at) => (at === i ? 'x' : c)))
  for (const [i, role] of roles.entries()) {
    await become(...role)
    const page = await as(i === 0 ? d.admin : d.editor)
    await settled(page)
    for (const link of await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts()) note(`rail: ${link}`, i)
    for (const [name, path, row] of pages) {
      for (const thing of await visit(page, typeof path === 'function' ? path() : path, row)) note(`${name}: ${thing}`, i)
    }
    await page.close()
  }
  const order = ['rail', ...pages.map(([name]) => name)]
  const lines = [...found].map(([thing, who]) => [order.indexOf(thing.split(':')[0]), `${who}  ${thing}`]).sort((a, b) => a[0] - b[0]).map(([, line]) => line)
  assert.equal(lines.join('\n'), seen.trim())
}

/** deactivated: keeps every role, and is out at the next click; active again, everything is as it was. */
export const deactivated = async ({ d, browser, as }) => {
  browser.expect(/40[01] /)
  const call = await caller(d, d.admin)
  const { id } = (await call('GET users?search=' + d.editor.email)).users[0]
  const page = await as(d.editor)
  await page.getByRole('main').getByRole('link', { name: 'Motor claims' }).first().waitFor()
  await call(`POST users/${id}/deactivate`, {})
  await page.getByRole('main').getByRole('link', { name: 'Motor claims' }).first().click()
  await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor()

  const out = await browser.window()
  await out.goto('/console/')
  await signIn(out, d.editor)
  await out.getByRole('alert').waitFor()
  assert.match(out.url(), /sign-in/)
  const lines = (await call(`GET users/${id}/access`)).lines
  assert.ok(lines.some((l) => l.role === 'editor' && !l.works), 'the roles are kept')

  await call(`POST users/${id}/activate`, {})
  const again = await as(d.editor)
  await again.getByRole('main').getByRole('link', { name: 'Motor claims' }).first().waitFor()
}
