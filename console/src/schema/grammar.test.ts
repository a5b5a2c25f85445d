// Drift guard: whatever the Go parser reads, the grammar of the editor reads too.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parser } from './parser.js'

const root = join(import.meta.dirname, '../../../')

/** sections cuts a txtar file into its parts. */
function sections(text: string): { name: string; body: string }[] {
  return text.split(/^-- (?=[^\n]+ --$)/m).slice(1).map((part) => {
    const end = part.indexOf('\n')
    return { name: part.slice(0, end).replace(/ --$/, ''), body: part.slice(end + 1) }
  })
}

const files = (dir: string, end: string): string[] => readdirSync(join(root, dir)).filter((f) => f.endsWith(end)).map((f) => join(dir, f))
const read = (name: string): string => readFileSync(join(root, name), 'utf8')

/** inputs are the texts of the parser's fixtures that are not refused. */
function inputs(name: string): string[] {
  const parts = sections(read(name))
  return parts.flatMap((p, i) => {
    if (p.name !== 'input') return []
    const end = parts.findIndex((q, j) => j > i && q.name === 'input')
    const refused = parts.slice(i, end < 0 ? undefined : end).some((q) => q.name === 'errors')
    return refused ? [] : [p.body]
  })
}

const texts: [string, string][] = [
  ...files('schema/syntax/testdata', '.txtar').flatMap((f) => inputs(f).map((text, i): [string, string] => [`${f} ${i}`, text])),
  ...files('testdata/corpus', '.txtar').flatMap((f) => sections(read(f)).filter((s) => s.name === 'schema.zed').map((s): [string, string] => [f, s.body])),
  ['testdata/portal/schema.zed', read('testdata/portal/schema.zed')],
]

/** faults are the lines at which the grammar does not know what it reads. */
function faults(text: string): string[] {
  const found: string[] = []
  parser.parse(text).iterate({
    enter: (n) => {
      if (n.type.isError) found.push(`line ${text.slice(0, n.from).split('\n').length}: ${text.slice(n.from, n.from + 40)}`)
    },
  })
  return found
}

test('there are fixtures', () => {
  expect(texts.length).toBeGreaterThan(25)
})

test.each(texts)('%s', (_, text) => {
  expect(faults(text)).toEqual([])
})

test('the guard can fail', () => {
  expect(faults('definition document { relation }')).not.toEqual([])
})
