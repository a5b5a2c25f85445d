// The company of `pemba demo`, for flows of the portal: small, so that it is there
// within seconds.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { go, judged, launch, repository, until, watch } from './harness.mjs'

export { signIn } from './harness.mjs'

const binary = process.env.PEMBA ?? join(repository, 'bin/pemba')

/** demo starts the company and reads its accounts. */
export async function demo() {
  const child = spawn(binary, ['demo', '--users', '24', '--models', '3', '--diagrams', '10', '--grpc-addr', '127.0.0.1:0', '--http-addr', '127.0.0.1:0', '--metrics-addr', '127.0.0.1:0', '--modeler-addr', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const exited = new Promise((resolve) => child.once('exit', resolve))
  for (const s of [child.stdout, child.stderr]) s.on('data', (d) => { output += d })
  await until(async () => {
    assert.equal(child.exitCode, null, `the demo ended:\n${output}`)
    return /Until Ctrl-C\./.test(output) // the last of what it says, when everything serves
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

/** company runs a flow in a company of its own. */
export const company = (flow) => inCompany((run) => run(flow))

/**
 * inCompany starts the company and a browser for several flows, which `run` runs
 * one after the other, each with windows of its own: they have to leave alone what
 * another relies on.
 */
export async function inCompany(all) {
  const d = await demo()
  const chrome = await launch()
  try {
    await all(async (flow) => {
      const browser = watch(chrome, d.base, d.modeler)
      // Who is not signed in asks who he is, and is told.
      browser.expect(/401 .*\/portal\/v1\/me\)/)
      /** as opens a page of the console as somebody, in a window of his own; agent names the browser in the list of sessions. */
      const as = async (who, path = '/', agent = 'a browser') => {
        const own = await browser.window()
        const [name, value] = (await session(d, who, agent)).split('=')
        await own.context().addCookies([{ name, value, url: d.base.replace('http:', 'https:'), secure: true, httpOnly: true, sameSite: 'Lax' }])
        await go(own, path)
        return own
      }
      try {
        await judged(browser, () => flow({ d, browser, as }))
      } finally {
        await browser.close()
      }
    })
  } finally {
    await chrome.close()
    await d.stop()
  }
}

/** session signs somebody in without a page, and gives the cookie of the session. */
async function session(d, who, agent = 'a program') {
  const answer = await send(d, 'POST session', { email: who.email, password: who.password }, { 'User-Agent': agent })
  return answer.headers.getSetCookie()[0].split(';')[0]
}

/**
 * caller calls the portal as somebody would who writes a program: it gives a
 * function that takes "POST groups" and what is sent, and demands that it works.
 */
export async function caller(d, who) {
  const cookie = await session(d, who)
  return async (what, body) => (await send(d, what, body, { Authorization: 'Bearer ' + cookie.split('=')[1] })).json()
}

/** operator calls the portal with the key of whoever runs the installation. */
export const operator = (d) => async (what, body) => (await send(d, what, body, { Authorization: 'Bearer ' + d.key })).json()

async function send(d, what, body, headers = {}) {
  const [method, path] = what.split(' ')
  const answer = await fetch(`${d.base}/portal/v1/${path}`, { method, headers: { 'Content-Type': 'application/json', ...headers }, body: body === undefined ? undefined : JSON.stringify(body) })
  assert.ok(answer.ok, `${what}: ${answer.status} ${await answer.clone().text()}`)
  return answer
}
