// Runs the browser tests: every *.test.mjs beside this file, or those whose names have
// one of the words that are given. As many files run at a time as the machine has
// cores, each in a process of its own (one.mjs).
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const wanted = process.argv.slice(2)
const files = readdirSync(new URL('.', import.meta.url)).filter((f) => f.endsWith('.test.mjs') && (wanted.length === 0 || wanted.some((w) => f.includes(w)))).sort()
const failed = []
let ran = 0

async function work() {
  for (let file = files.shift(); file; file = files.shift()) {
    ran++
    if (await run(file) !== 0) failed.push(file)
  }
}

// What a file prints stays together.
function run(file) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('one.mjs', import.meta.url)), file], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const s of [child.stdout, child.stderr]) s.on('data', (d) => { output += d })
  return new Promise((resolve) => child.once('close', (code) => {
    process.stdout.write(output)
    resolve(code)
  }))
}

await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work))
console.log(failed.length > 0 ? `FAIL  ${failed.sort().join(', ')}` : `${ran} files passed`)
process.exit(failed.length > 0 || ran === 0 ? 1 : 0)
