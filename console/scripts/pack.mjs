// Packs what Vite made, as console.go embeds it, and prints what a first visit loads.
import { gzipSync } from 'node:zlib'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

const dist = new URL('../dist/', import.meta.url)
const assets = new URL('assets/', dist)
const goal = 200_000
const kB = (n) => (n / 1000).toFixed(1).padStart(7) + ' kB'

const sizes = new Map()
for (const name of readdirSync(assets)) {
  const packed = gzipSync(readFileSync(new URL(name, assets)), { level: 9 })
  writeFileSync(new URL(name + '.gz', assets), packed)
  rmSync(new URL(name, assets))
  sizes.set(name, packed.length)
}
const index = readFileSync(new URL('index.html', dist), 'utf8')
const first = [...sizes].filter(([name]) => index.includes(name))
const total = first.reduce((sum, [, size]) => sum + size, gzipSync(index).length)
const large = [...sizes].filter(([, size]) => size >= 10_000).sort((a, b) => b[1] - a[1])
for (const [name, size] of large) console.log(kB(size), name, index.includes(name) ? '(first visit)' : '')
console.log(' '.repeat(10), `and ${sizes.size - large.length} of less than 10 kB`)
console.log(kB([...sizes.values()].reduce((a, b) => a + b, 0)), 'in all, gzipped')
console.log(kB(total), `first visit, goal ${goal / 1000} kB`)
if (total > goal) {
  console.error('the first visit is larger than the goal')
  process.exit(1)
}
