// A file of people before it is sent: cut into records, so that the head line can be
// read and the rows be sent in parts. What a row means is the server's to judge.

/** CsvRecord is one record with the line on which it begins, counted from 1. */
export type CsvRecord = { text: string; line: number }

/** records cuts a file at the line ends that stand outside of quotes; empty lines are left out. */
export function records(file: string): CsvRecord[] {
  const csv = file.replace(/^\ufeff/, '')
  const all: CsvRecord[] = []
  let begin = 0
  let beginLine = 1
  let line = 1
  let quoted = false
  const end = (at: number) => {
    const text = csv.slice(begin, at).replace(/\r$/, '')
    if (text.trim() !== '') all.push({ text, line: beginLine })
  }
  for (let i = 0; i < csv.length; i++) {
    const c = csv[i]
    if (c === '"') quoted = !quoted
    if (c !== '\n') continue
    line++
    if (quoted) continue
    end(i)
    begin = i + 1
    beginLine = line
  }
  end(csv.length)
  return all
}

/** separator is what separates the cells: spreadsheets of some countries write semicolons. */
export const separator = (head: string): ',' | ';' => (head.includes(';') && !head.includes(',') ? ';' : ',')

/** cells reads one record. */
export function cells(record: string, by: ',' | ';' = ','): string[] {
  const out: string[] = []
  let cell = ''
  let quoted = false
  for (let i = 0; i < record.length; i++) {
    const c = record[i] ?? ''
    if (quoted && c === '"' && record[i + 1] === '"') {
      cell += '"'
      i++
    } else if (c === '"') quoted = !quoted
    else if (c === by && !quoted) {
      out.push(cell)
      cell = ''
    } else cell += c
  }
  return [...out, cell]
}

export const targets = ['email', 'given_name', 'surname', 'job_title', 'manager_email', 'active'] as const
export type Target = (typeof targets)[number]

/** Mapping is which column of the file is which of a person; what is not in it is left out. */
export type Mapping = Readonly<Record<string, Target>>

const words: [RegExp, Target][] = [
  [/manager|boss|supervisor/, 'manager_email'], [/mail/, 'email'], [/given|first|fore/, 'given_name'], [/sur|last|family/, 'surname'], [/title|position|job/, 'job_title'], [/active|enabled|status/, 'active'],
]

/** guess maps the columns of a head line by what was chosen before and by their names; each target once. */
export function guess(head: readonly string[], remembered: Mapping): Mapping {
  const taken = new Set<Target>()
  const found: Record<string, Target> = {}
  for (const column of head) {
    const name = column.trim()
    const exact = targets.find((t) => t === name.toLowerCase())
    const target = remembered[name] ?? exact ?? words.find(([w]) => w.test(name.toLowerCase()))?.[1]
    if (!name || !target || taken.has(target)) continue
    taken.add(target)
    found[name] = target
  }
  return found
}

/** Part is a piece of the file that can be sent by itself; lines are those of its rows in it and in the file. */
export type Part = { csv: string; rows: number; lines: ReadonlyMap<number, number> }

/** parts cuts a file into pieces of at most size rows, each with the head line. */
export function parts(all: readonly CsvRecord[], size: number): Part[] {
  const [head, ...rows] = all
  if (!head) return []
  const out: Part[] = []
  for (let i = 0; i < rows.length; i += size) {
    const some = rows.slice(i, i + size)
    const lines = new Map<number, number>()
    let at = 1 + height(head)
    for (const r of some) {
      lines.set(at, r.line)
      at += height(r)
    }
    out.push({ csv: [head, ...some].map((r) => r.text + '\n').join(''), rows: some.length, lines })
  }
  return out
}

const height = (r: CsvRecord): number => r.text.split('\n').length

/** columns is what the server is told: each column of the file, "" for those that are left out. */
export const columns = (head: readonly string[], mapping: Mapping): Record<string, string> =>
  Object.fromEntries(head.map((h) => h.trim()).map((h) => [h, mapping[h] ?? '']))
