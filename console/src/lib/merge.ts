// Two texts that came of the same one, put together line by line.

/** Part is a run of lines: the same in all three texts, or changed in at least one. */
export type Part = { kind: 'same' | 'mine' | 'theirs' | 'both' | 'conflict'; base: string[]; theirs: string[]; mine: string[]; at: number }
// at is the line of the base text where it begins, counted from 1. mine and theirs say who
// changed it, both that the two did the same.

/** Choice is what is taken of a part; both takes theirs, and then mine. */
export type Choice = 'mine' | 'theirs' | 'both'

/** merge parts what is the same in three texts from what is not. */
export function merge(base: string, theirs: string, mine: string): Part[] {
  const [o, a, b] = [base.split('\n'), theirs.split('\n'), mine.split('\n')]
  const [toTheirs, toMine] = [matches(o, a), matches(o, b)]
  const parts: Part[] = []
  const add = (part: Omit<Part, 'at' | 'kind'>, at: number) => {
    if (part.base.length + part.theirs.length + part.mine.length > 0) parts.push({ ...part, at: at + 1, kind: kindOf(part) })
  }
  let [i, j, k] = [0, 0, 0]
  while (i < o.length) {
    // Up to the next line that all three have, something changed.
    let next = i
    while (next < o.length && (toTheirs[next] === undefined || toMine[next] === undefined)) next++
    const [nextJ, nextK] = [toTheirs[next] ?? a.length, toMine[next] ?? b.length]
    add({ base: o.slice(i, next), theirs: a.slice(j, nextJ), mine: b.slice(k, nextK) }, i)
    ;[i, j, k] = [next, nextJ, nextK]
    let n = 0
    while (i + n < o.length && toTheirs[i + n] === j + n && toMine[i + n] === k + n) n++
    add({ base: o.slice(i, i + n), theirs: a.slice(j, j + n), mine: b.slice(k, k + n) }, i)
    ;[i, j, k] = [i + n, j + n, k + n]
  }
  add({ base: [], theirs: a.slice(j), mine: b.slice(k) }, i)
  return parts
}

const same = (a: string[], b: string[]): boolean => a.length === b.length && a.every((line, i) => line === b[i])

function kindOf({ base, theirs, mine }: Omit<Part, 'at' | 'kind'>): Part['kind'] {
  if (same(theirs, mine)) return same(base, mine) ? 'same' : 'both'
  if (same(base, theirs)) return 'mine'
  return same(base, mine) ? 'theirs' : 'conflict'
}

/** usual is what is taken of a part that only one side changed; of a conflict, somebody has to choose. */
export const usual = (p: Part): Choice | undefined => (p.kind === 'conflict' ? undefined : p.kind === 'theirs' ? 'theirs' : 'mine')

/** joined is the text of the parts; what is not chosen in a conflict stays as mine. */
export const joined = (parts: readonly Part[], chosen: (p: Part, i: number) => Choice | undefined): string =>
  parts.flatMap((p, i) => {
    const c = chosen(p, i) ?? 'mine'
    return c === 'both' ? [...p.theirs, ...p.mine] : p[c]
  }).join('\n')

/** mostSteps bounds the search: texts that differ in more lines are one change, but for their beginnings and ends. */
const mostSteps = 1_500

/** matches gives for lines of a the line of b that is the same, in order. */
function matches(a: string[], b: string[]): (number | undefined)[] {
  let begin = 0
  while (begin < a.length && begin < b.length && a[begin] === b[begin]) begin++
  let end = 0
  while (end < a.length - begin && end < b.length - begin && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  const inner = longest(a.slice(begin, a.length - end), b.slice(begin, b.length - end))
  return a.map((_, i) => (i < begin ? i : i >= a.length - end ? b.length - (a.length - i) : inner[i - begin] === undefined ? undefined : begin + (inner[i - begin] ?? 0)))
}

/** longest matches as many lines as possible. */
function longest(a: string[], b: string[]): (number | undefined)[] {
  const found = new Array<number | undefined>(a.length).fill(undefined)
  const steps = furthest(a, b)
  let [x, y] = [a.length, b.length]
  for (let d = steps.length - 1; d >= 0; d--) {
    const before = cameFrom(steps[d] ?? none, d, x - y)
    const startX = d === 0 ? 0 : (steps[d]?.[before + d + 1] ?? 0)
    const startY = d === 0 ? 0 : startX - before
    while (x > startX && y > startY && a[x - 1] === b[y - 1]) found[--x] = --y
    ;[x, y] = [startX, startY]
  }
  return found
}

const none = new Int32Array()

/**
 * furthest is the search of Myers (An O(ND) Difference Algorithm, 1986): for each number
 * d of lines put in or taken out, how far one had come before on the diagonals from
 * -d-1 to d+1. Nothing for more than mostSteps.
 */
function furthest(a: string[], b: string[]): Int32Array[] {
  const most = Math.min(mostSteps, a.length + b.length)
  const zero = most + 1
  const reached = new Int32Array(2 * most + 3).fill(-1)
  reached[zero + 1] = 0
  const steps: Int32Array[] = []
  for (let d = 0; d <= most; d++) {
    const before = reached.slice(zero - d - 1, zero + d + 2)
    steps.push(before)
    for (let k = -d; k <= d; k += 2) {
      const from = cameFrom(before, d, k)
      let x = (before[from + d + 1] ?? 0) + (from < k ? 1 : 0)
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      reached[zero + k] = x
      if (x >= a.length && x - k >= b.length) return steps
    }
  }
  return [] // too much to tell what became of what
}

/** cameFrom is the diagonal from which the step d leads furthest on diagonal k. */
function cameFrom(before: Int32Array, d: number, k: number): number {
  const down = k === -d || (k !== d && (before[k + d] ?? -1) < (before[k + d + 2] ?? -1))
  return down ? k + 1 : k - 1
}
