// Runs the browser tests: every *.test.mjs beside this file, or those that are
// named. A file exports its tests by name; each gets nothing and throws if wrong.
import { readdirSync } from 'node:fs'

const wanted = process.argv.slice(2)
const files = readdirSync(new URL('.', import.meta.url)).filter((f) => f.endsWith('.test.mjs') && (wanted.length === 0 || wanted.some((w) => f.includes(w))))
let passed = 0
let failed = 0
for (const file of files.sort()) {
  for (const [name, test] of Object.entries(await import('./' + file))) {
    const begin = performance.now()
    try {
      await test()
      passed++
      console.log(`ok    ${file} ${name} (${((performance.now() - begin) / 1000).toFixed(1)} s)`)
    } catch (e) {
      failed++
      console.log(`FAIL  ${file} ${name}\n${e.stack}`)
    }
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)
