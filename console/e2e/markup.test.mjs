import assert from 'node:assert/strict'
import { caller, inCompany as world } from './demo.mjs'
import { go, settled } from './harness.mjs'

export { world }

// What a page that takes text for markup would run, open or load.
const attacks = ['<img src=x onerror=alert(1)>', '"><script>alert(2)</script>', 'javascript:alert(3)']
const all = attacks.join(' ')

/** markup: stands in every text that people may enter, and is shown as text on every page. */
export const markup = async ({ d, as }) => {
  const call = await caller(d, d.admin)
  const modeler = 'harbour-modeler'
  const person = (await call('POST users', { email: 'markup@harbour.example', givenName: attacks[0], surname: attacks[1], jobTitle: attacks[2], message: all })).user
  await call('POST users:import', { csv: `email,given_name,surname,job_title\nimported@harbour.example,"${all.replaceAll('"', '""')}",${attacks[0]},${attacks[0]}\n` })
  await call('PATCH me', { givenName: attacks[0], surname: attacks[1] })
  const group = (await call('POST groups', { name: all, description: all, members: [{ user: person.id }] })).group
  await call(`POST subscriptions/${modeler}/users`, { members: [{ group: group.id }], role: 'user' })
  const model = (await call(`POST subscriptions/${modeler}/workspaces`, { name: all, description: all })).workspace
  await call(`POST workspaces/${model.id}/access`, { changes: [{ member: { group: group.id }, role: 'editor' }], message: all })
  const diagram = (await call(`POST workspaces/${model.id}/diagrams`, { name: all, content: all })).diagram
  await call(`POST diagrams/${diagram.id}/comments`, { text: all })
  await call(`PUT diagrams/${diagram.id}/audience`, { members: [{ user: (await call('GET me')).person.id }] })
  await call(`POST diagrams/${diagram.id}/publish`, {})
  await call('POST me/tokens', { name: all, days: 1 })
  await call('POST clients', { service: 'SERVICE_MODELER', name: all, redirectUrls: ['https://portal.example/?' + encodeURIComponent(attacks[0])] })
  await call('POST authenticators', { name: all, issuer: d.base + '/oidc', clientId: all, domains: ['markup.example'] })

  const page = await as(d.admin)
  const ran = []
  page.on('dialog', (dialog) => { ran.push(dialog.message()); void dialog.dismiss() })
  const at = `/services/${modeler}/workspaces/${model.id}`
  const shown = [ // where it is, and how often at least
    ['/', 1], ['/people', 2], [`/people/${person.id}`, 1], [`/people/${person.id}?tab=access`, 1], [`/people/${person.id}?tab=activity`, 1],
    ['/groups', 1], [`/groups/${group.id}`, 1], [`/groups/${group.id}?tab=uses`, 1], [`/groups/${group.id}?tab=effective`, 1],
    ['/administrators', 1], ['/roles?role=editor', 1], ['/audit', 1], [`/services/${modeler}`, 1], [`/services/${modeler}?tab=users`, 1],
    [at, 1], [`${at}?tab=access`, 1], [`${at}?tab=diagrams`, 1], [`${at}?tab=activity`, 1], ['/me', 1], ['/me?tab=tokens', 1], ['/settings?tab=clients', 1], ['/settings?tab=authenticators', 1],
  ]
  for (const [path, least] of shown) {
    await go(page, path)
    await settled(page)
    const found = await page.evaluate((texts) => {
      const fields = [...document.querySelectorAll('input, textarea')].map((e) => e.value).join('\n')
      const text = document.body.innerText + fields
      return {
        times: texts.reduce((n, t) => n + text.split(t).length - 1, 0),
        made: [...document.querySelectorAll('img[src=x], a[href^="javascript:" i], [onerror]')].length + [...document.scripts].filter((s) => !s.src && s.textContent.includes('alert')).length,
      }
    }, attacks)
    assert.equal(found.made, 0, `${path} took text for markup`)
    assert.ok(found.times >= least, `${path} does not show it`)
  }

  // What only a dialog shows.
  await go(page, `${at}?tab=diagrams`)
  await page.getByRole('button', { name: /^Actions for/ }).click()
  await page.getByRole('menuitem', { name: 'Comments' }).click()
  await page.getByRole('dialog').getByRole('listitem').getByText(all).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Share', exact: true }).click()
  await page.getByRole('dialog').getByText(all).first().waitFor()
  await page.keyboard.press('Escape')
  for (const [tab, fields] of [['authenticators', ['Name', 'Client id']], ['clients', ['Name']]]) {
    await go(page, `/settings?tab=${tab}`)
    await page.getByRole('row', { name: /onerror/ }).getByRole('button', { name: /^Actions/ }).click()
    await page.getByRole('menuitem', { name: 'Edit' }).click()
    for (const field of fields) assert.equal(await page.getByRole('dialog').getByLabel(field).inputValue(), all)
    await page.keyboard.press('Escape')
  }
  await go(page, '/audit')
  await settled(page)
  await page.getByRole('row', { name: /onerror/ }).first().focus()
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').getByText('onerror', { exact: false }).first().waitFor()
  assert.deepEqual(ran, [], 'a page ran what was entered')
}
