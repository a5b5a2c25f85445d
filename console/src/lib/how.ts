import { way, type Step } from './steps'

export type How = 'direct' | 'group' | 'inherited' | 'conditional' | 'none'

/**
 * how tells by which kind of way a permission is held: by a relationship of the
 * subject's own on the resource, by membership in a group, or from above.
 */
export function how(root: Step | undefined): How {
  if (!root || root.answer === 'no' || root.answer === 'undecided') return 'none'
  if (root.answer === 'conditional') return 'conditional'
  const found = way(root)
  if (!found) return 'none'
  if (found.relationships.some((r) => r.subject?.optionalRelation)) return 'group'
  return found.relationships.length > 1 ? 'inherited' : 'direct'
}

/** Compared is in which of two answers something is. */
export type Compared = 'both' | 'first' | 'second'

/** compare puts two answers beside each other, in the order of their ids. */
export function compare(first: string[], second: string[]): Map<string, Compared> {
  const a = new Set(first)
  const b = new Set(second)
  return new Map([...new Set([...first, ...second])].sort().map((id) => [id, a.has(id) ? (b.has(id) ? 'both' : 'first') : 'second']))
}
