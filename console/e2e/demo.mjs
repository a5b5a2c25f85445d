// The company of `pemba demo`, for flows of the portal: small, so that it is there
// within seconds.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { open, repository, shot, until } from './harness.mjs'

const binary = process.env.PEMBA ?? join(repository, 'bin/pemba')

/** demo starts the company and reads its accounts. */
export async function demo() {
  const child = spawn(binary, ['demo', '--users', '24', '--models', '3', '--diagrams', '10', '--grpc-addr', '127.0.0.1:0', '--http-addr', '127.0.0.1:0', '--metrics-addr', '127.0.0.1:0', '--modeler-addr', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const exited = new Promise((resolve) => child.once('exit', resolve))
  for (const s of [child.stdout, child.stderr]) s.on('data', (d) => { output += d })
  await until(async () => {
    assert.equal(child.exitCode, null, `the demo ended:\n${output}`)
    return /Until Ctrl-C/.test(output) && /Modeler Services  http/.test(output)
  }, () => `the demo is not ready:\n${output}`, 60_000)
  const find = (pattern) => output.match(pattern)?.slice(1) ?? assert.fail(`${pattern} is not in:\n${output}`)
  const account = (name) => {
    const [email, password] = find(new RegExp(`${name} +(\\S+@\\S+) +(\\S+)`))
    return { email, password }
  }
  return {
    base: new URL(find(/Console +(http\S+)/)[0]).origin,
    modeler: new URL(find(/Modeler Services +(http\S+)/)[0]).origin,
    admin: account('administrator'), owner: account('subscription owner'), editor: account('editor'),
    key: find(/API key +(\S+)/)[0],
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** signIn signs somebody in where a page asks for it. */
export async function signIn(page, who) {
  await page.getByLabel('E-mail', { exact: false }).fill(who.email)
  await page.getByRole('button', { name: 'Next' }).click()
  await page.getByLabel('Password', { exact: false }).first().fill(who.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** company runs a flow in the company of the demo. */
export async function company(flow) {
  const d = await demo()
  const browser = await open(d.base, d.modeler)
  // Who is not signed in asks who he is, and is told.
  browser.expect(/401 .*\/portal\/v1\/me\)/)
  try {
    const page = await browser.window()
    /** as opens a page of the console as somebody, in a window of his own. */
    const as = async (who, path = '/') => {
      const own = await browser.window()
      await own.goto('/console/sign-in?to=' + encodeURIComponent('/console' + path))
      await signIn(own, who)
      await own.getByRole('heading', { level: 1 }).waitFor()
      await own.waitForURL((u) => !u.pathname.includes('sign-in'))
      return own
    }
    try {
      await flow({ d, browser, page, as })
    } catch (e) {
      await shot(page, 'failure').catch(() => undefined)
      const seen = browser.problems()
      if (seen.length > 0) e.stack += '\nthe browser saw: ' + seen.join('\n')
      throw e
    }
    assert.deepEqual(browser.problems(), [])
  } finally {
    await browser.close()
    await d.stop()
  }
}
