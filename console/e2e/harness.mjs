// What every browser test needs: a server of its own, a browser, and checks that
// hold on every page: no message on the console, no request to elsewhere, no
// violation that axe knows of.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

export const repository = fileURLToPath(new URL('../../', import.meta.url))
const shots = fileURLToPath(new URL('./shots/', import.meta.url))
const binary = process.env.PEMBA ?? join(repository, 'bin/pemba')
const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** free returns a port that nothing listens on. */
export function free() {
  return new Promise((resolve, reject) => {
    const s = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = s.address()
      s.close(() => resolve(port))
    })
  })
}

/**
 * serve starts `pemba serve` on free ports, in memory unless a --data-dir is
 * given, and waits until it is ready. stop ends it.
 */
export async function serve(args = [], env = {}) {
  const child = spawn(binary, [
    'serve', ...(args.includes('--data-dir') ? [] : ['--in-memory']),
    '--grpc-addr', '127.0.0.1:0', '--metrics-addr', '127.0.0.1:0', '--http-addr', '127.0.0.1:0', ...args,
  ], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const exited = new Promise((resolve) => child.once('exit', resolve))
  for (const s of [child.stdout, child.stderr]) s.on('data', (d) => { output += d })
  let base
  await until(async () => {
    assert.equal(child.exitCode, null, `the server ended:\n${output}`)
    base ??= output.match(/^ +HTTP +(http\S+)$/m)?.[1]
    return base && (await fetch(base + '/readyz').catch(() => undefined))?.ok
  }, () => `the server is not ready:\n${output}`)
  return {
    base, child, output: () => output,
    /** api calls the server as a program would. */
    async api(path, body, headers = {}) {
      const answer = await fetch(base + path, { method: body === undefined ? 'GET' : 'POST', body: body === undefined ? undefined : JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } })
      assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`)
      return answer.json()
    },
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** until asks again and again until the answer is true. */
export async function until(ask, why, limit = 30_000) {
  const end = Date.now() + limit
  while (!(await ask())) {
    assert.ok(Date.now() < end, why())
    await new Promise((r) => setTimeout(r, 50))
  }
}

/** said waits for what the server prints. */
export async function said(server, pattern) {
  await until(() => pattern.test(server.output()), () => `the server does not print ${pattern}:\n${server.output()}`)
  return server.output().match(pattern)[1]
}

/** oneTimeCode is that of the first run. */
export const oneTimeCode = (server) => said(server, /"one_time_code":"(\w+)"/)

/** launch starts a browser with an empty profile. */
export const launch = () => chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: flags })

/** open starts a browser for one flow, and looks at it as watch does. */
export async function open(base, ...others) {
  const chrome = await launch()
  return { ...watch(chrome, base, ...others), close: () => chrome.close() }
}

/**
 * watch opens windows in a browser. Each window is one person: what is wrong on
 * any of its pages ends up in problems, as does a request to anywhere but the
 * server and the others that are named. close closes the windows alone.
 */
export function watch(chrome, base, ...others) {
  const problems = []
  const expected = []
  const contexts = []
  async function window({ width = 1280, height = 800, dark = false } = {}) {
    const context = await chrome.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', baseURL: base, bypassCSP: false, reducedMotion: 'reduce' })
    contexts.push(context)
    const page = await context.newPage()
    page.setDefaultTimeout(15_000)
    page.on('console', (m) => {
      const text = `${m.type()} on ${page.url()}: ${m.text().slice(0, 400)} (${m.location().url})`
      if (['error', 'warning'].includes(m.type()) && !expected.some((e) => e.test(text))) problems.push(text)
    })
    page.on('pageerror', (e) => problems.push(`on ${page.url()}: ${e.message}`))
    const open = new Set() // requests without an answer so far
    page.asking = () => open.size
    for (const end of ['requestfinished', 'requestfailed']) page.on(end, (r) => open.delete(r))
    page.on('request', (r) => open.add(r))
    page.on('request', (r) => { if (![base, ...others].some((b) => r.url().startsWith(b)) && !/^(data|blob):/.test(r.url())) problems.push(`request to ${r.url()}`) })
    return page
  }
  return {
    window,
    /** expect allows a message on the console, such as of an answer 401 that the test provokes. */
    expect: (pattern) => expected.push(pattern),
    problems: () => [...new Set(problems)],
    pages: () => contexts.flatMap((c) => c.pages()),
    close: () => Promise.all(contexts.map((c) => c.close())),
  }
}

/**
 * judged runs one flow, and demands at its end that the browser saw nothing
 * wrong; if the flow fails it takes pictures and adds what the browser saw.
 */
export async function judged(browser, flow) {
  try {
    await flow()
  } catch (e) {
    for (const [i, page] of browser.pages().entries()) await shot(page, `failure-${i}`).catch(() => undefined)
    const seen = browser.problems()
    if (seen.length > 0) e.stack += '\nthe browser saw: ' + seen.join('\n')
    throw e
  }
  assert.deepEqual(browser.problems(), [])
}

/** scenario runs one flow against a server of its own; it gets the server, the browser and a window. */
export const scenario = (args, flow) => inServer(args)((run) => run(flow))

/** inServer starts a server and a browser for several flows, which `run` runs one after the other. */
export const inServer = (args) => async (all) => {
  const server = await serve(args)
  const chrome = await launch()
  try {
    await all(async (flow) => {
      const browser = watch(chrome, server.base)
      // Without the portal its question who one is has no answer.
      browser.expect(/(40[14]|501) .*\/portal\/v1\/me\)/)
      try {
        await judged(browser, async () => flow({ server, browser, page: await browser.window() }))
      } finally {
        await browser.close()
      }
    })
  } finally {
    await chrome.close()
    await server.stop()
  }
}

/** go opens a page of the console and waits for its heading. */
export async function go(page, path, heading) {
  await page.goto('/console' + path)
  await page.getByRole('heading', { level: 1, ...(heading ? { name: heading } : {}) }).waitFor()
}

/** signIn signs somebody in where a page asks for it. */
export async function signIn(page, who) {
  await page.getByLabel('E-mail', { exact: false }).fill(who.email)
  await page.getByRole('button', { name: 'Next' }).click()
  await page.getByLabel('Password', { exact: false }).first().fill(who.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** settled waits until a page asks for nothing more and has drawn what it got. */
export async function settled(page) {
  let before = ''
  await until(async () => {
    const now = await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r(document.body.innerHTML)))))
    const still = page.asking() === 0 && now === before && !now.includes('aria-busy="true"')
    before = now
    return still
  }, () => `${page.url()} does not come to rest`)
}

/** shot takes a picture, to be looked at. */
export async function shot(page, name) {
  mkdirSync(shots, { recursive: true })
  await page.screenshot({ path: join(shots, name + '.png') })
}

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
// What a theme changes are colours, what a narrow window changes is everything else.
const asked = { light: { runOnly: rules }, dark: { runOnly: { type: 'rule', values: ['color-contrast'] } }, narrow: { runOnly: rules, rules: { 'color-contrast': { enabled: false } } } }

async function violations(page, view) {
  const session = await page.context().newCDPSession(page) // past the policy of the page
  await session.send('Runtime.evaluate', { expression: axe })
  await session.detach()
  const result = await page.evaluate((o) => window.axe.run(document, { ...o, resultTypes: ['violations'] }), asked[view])
  return result.violations.map((v) => `${v.id} (${v.impact}) ×${v.nodes.length}: ${v.nodes[0].html.slice(0, 240)} ${v.nodes[0].failureSummary.slice(0, 300)}`)
}

/**
 * audit demands that axe finds nothing, in light and dark and at 390 px, and
 * takes a picture of each. The page has to be in the state that is meant.
 */
export async function audit(page, name) {
  const size = page.viewportSize()
  for (const [view, scheme, viewport] of [['light', 'light', size], ['dark', 'dark', size], ['narrow', 'light', { width: 390, height: 844 }]]) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
    await page.setViewportSize(viewport)
    for (let i = 0; i < 2; i++) await page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))) // rows are measured after they are drawn
    await shot(page, `${name}-${view}`)
    assert.deepEqual(await violations(page, view), [], `${name}, ${view}`)
    if (view === 'narrow') {
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      assert.ok(over <= 0, `${name} is ${over} px wider than a narrow screen`)
    }
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  await page.setViewportSize(size)
}

/** temporary makes a directory that the returned function removes. */
export function temporary() {
  const dir = mkdtempSync(join(tmpdir(), 'pemba-e2e-'))
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) }
}
