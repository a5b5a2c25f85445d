import { expect, test } from 'vitest'
import { texts } from './texts'

const sources = import.meta.glob<string>(['../**/*.{ts,tsx}', '!../**/*.test.{ts,tsx}', '!../api/gen/**', '!./texts/**'], { query: '?raw', import: 'default', eager: true })

/** leaves are the paths of all texts: "portal.share.title". */
function leaves(of: object, path: string): string[] {
  return Object.entries(of).flatMap(([name, value]: [string, unknown]) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? leaves(value, `${path}${name}.`) : [path + name]))
}

const every = leaves(texts, '')
const path = /(?<![\w.])(\w+)((?:\??\.\w+)+|(?=\[))/g // t.share.title, or t[…], which reads all of t
const naming = /const (\w+) = (\w+(?:\.\w+)+)\s*$/gm // const t = texts.portal

/** read are the paths that a source reads, also by a name that it gives to a part. */
function read(source: string): string[] {
  const names = new Map([['texts', ['']]])
  const find = (text: string) =>
    [...text.matchAll(path)].flatMap(([, name = '', rest = '']) => (names.get(name) ?? []).map((begin) => (begin + rest.replaceAll('?', '')).replace(/^\./, '')))
  for (const [, name = '', value = ''] of source.matchAll(naming)) {
    const parts = find(value)
    if (parts.length > 0) names.set(name, [...(names.get(name) ?? []), ...parts])
  }
  // To give a part a name is not to read all of it, but to give one to a text is.
  return find(source.replace(naming, (all, _, value: string) => (find(value).some((p) => !every.includes(p)) ? '' : all)))
}

test('every text is read somewhere', () => {
  const paths = [...new Set(Object.values(sources).flatMap(read))]
  const unread = every.filter((leaf) => !paths.some((p) => p === leaf || leaf.startsWith(p + '.') || p.startsWith(leaf + '.')))
  expect(unread).toEqual([])
})
