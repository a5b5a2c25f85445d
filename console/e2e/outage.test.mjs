import assert from 'node:assert/strict'
import { free, go, open, serve, temporary, until } from './harness.mjs'

/** register adds a person on the page of people. */
async function register(page, name) {
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Add a person' })
  await dialog.getByLabel('Given name').fill(name)
  await dialog.getByRole('textbox', { name: 'E-mail', exact: true }).fill(`${name}@acme.example`)
  const send = dialog.getByRole('button', { name: 'Add', exact: true })
  const again = page.getByRole('status').getByRole('button', { name: 'Try again' })
  await send.click()
  // Where nodes come and go a leader may go once more: whoever is told that it failed does it again.
  await until(async () => {
    if (await page.getByRole('row', { name: new RegExp(name) }).count() > 0) return true
    if (await dialog.getByRole('alert').count() > 0) await send.click()
    else if (await again.count() > 0) await again.click()
    return false
  }, () => `${name} is not in the list`, 60_000)
}

/** outage: pages of the portal go on while a node is lost, stay open while the cluster loses its majority, cannot change anything, and recover by themselves. */
export const outage = async () => {
  const { dir, remove } = temporary()
  const raft = [await free(), await free(), await free()].map((p) => `127.0.0.1:${p}`)
  const start = (i) => serve(['--portal', '--data-dir', `${dir}/n${i}`, '--raft-addr', raft[i], '--bootstrap-expect', '3', '--join', raft.filter((_, j) => j !== i).join(',')])
  const nodes = await Promise.all([0, 1, 2].map(start))
  const browser = await open(nodes[0].base)
  try {
    browser.expect(/.*/) // nodes go away: requests fail, and the console of the browser says so
    const code = /"one_time_code":"(\w+)"/
    for (const n of nodes) await until(() => code.test(n.output()), () => `the node prints no code for the first run:\n${n.output()}`)
    const page = await browser.window()
    await page.goto('/readyz')
    const found = (node) => page.evaluate(async (body) => {
      const answer = await fetch('/portal/v1/first-run', { method: 'POST', body: JSON.stringify(body) })
      return answer.ok ? '' : answer.text()
    }, { code: node.output().match(code)[1], companyName: 'Acme', givenName: 'Ada', surname: 'Min', email: 'ada@acme.example', password: 'korrekt Pferd 77 Heftklammer', purchases: [{ service: 'SERVICE_MODELER', licences: 5 }] })
    // Each node has printed a code of its own. Of two that are used at once, at a third node, one does; and none after it.
    const [won, lostRun] = (await Promise.all([found(nodes[1]), found(nodes[2])])).sort()
    assert.equal(won, '')
    for (const refused of [lostRun, await found(nodes[0])]) assert.match(refused, /there is a company already/)
    await go(page, '/people', 'People')
    await page.getByRole('row', { name: /Ada Min/ }).waitFor()

    // One that does not lead is lost: nobody notices.
    const { members } = await nodes[0].api('/pemba/v1/cluster/status', {})
    const lost = members.find((m) => m.leader).address === raft[1] ? 2 : 1
    nodes[lost].child.kill('SIGKILL')
    const banner = page.getByRole('status').filter({ hasText: 'Read only:' })
    await register(page, 'Cai')
    assert.equal(await banner.count(), 0)

    await nodes[3 - lost].stop()
    await banner.waitFor({ timeout: 60_000 })
    await page.getByRole('row', { name: /Ada Min/ }).waitFor() // what was read stays
    const add = page.getByRole('button', { name: 'Add', exact: true })
    await until(async () => await add.getAttribute('aria-disabled') === 'true', () => 'Add can be pressed')
    assert.match(await add.getAttribute('aria-description'), /^Not now:/)

    nodes[lost] = await start(lost)
    await banner.waitFor({ state: 'detached', timeout: 60_000 })
    await register(page, 'Ben')
  } finally {
    await browser.close()
    for (const n of nodes) await n.stop()
    remove()
  }
}
