import type { SymbolJson } from '../../api/gen/pemba/console/v1/schema_tools_pb'

type Range = SymbolJson['range']

const within = (r: Range, at: number): boolean => r !== undefined && (r.from ?? 0) <= at && at <= (r.to ?? 0)

/** symbolAt is what the name at a place stands for: where it is declared, or used. */
export function symbolAt(symbols: SymbolJson[], at: number): SymbolJson | undefined {
  return symbols.find((s) => within(s.nameRange, at) || s.used?.some((u) => within(u, at)))
}

/** parentOf is what a symbol is a member of. */
export const parentOf = (symbols: SymbolJson[], s: SymbolJson): SymbolJson | undefined => (s.parent === undefined || s.parent === null ? undefined : symbols[s.parent])

export type Group = { head: SymbolJson; members: SymbolJson[] }

/** grouped puts members below what they are members of; a filter keeps groups that match, or whose members do. */
export function grouped(symbols: SymbolJson[], filter: string): Group[] {
  const wanted = filter.trim().toLowerCase()
  const hits = (s: SymbolJson) => (s.name ?? '').toLowerCase().includes(wanted)
  return symbols.flatMap((head, i) => {
    if (head.parent !== undefined && head.parent !== null) return []
    const members = symbols.filter((s) => s.parent === i)
    const kept = hits(head) ? members : members.filter(hits)
    return hits(head) || kept.length > 0 ? [{ head, members: kept }] : []
  })
}
