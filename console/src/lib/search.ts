/** Search is what stands in an address after the "?", before it is understood. */
export type Search = Record<string, unknown>

/** text reads a value of an address that should be a text. What reads as JSON has become a value by then. */
export function text(s: Search, name: string): string | undefined {
  const v = s[name]
  if (typeof v === 'string') return v || undefined
  if (typeof v === 'object' && v !== null) return JSON.stringify(v)
  return typeof v === 'number' || typeof v === 'boolean' ? String(v) : undefined
}

/** flag reads a value that is there or not. */
export const flag = (s: Search, name: string): true | undefined => (s[name] === true || s[name] === 'true' || s[name] === 1 || s[name] === '' ? true : undefined)

/** oneOf reads a value that must be one of a few. */
export function oneOf<T extends string>(s: Search, name: string, allowed: readonly T[]): T | undefined {
  return allowed.find((a) => a === s[name])
}

/** optional makes optional what may be undefined. It stays in the object as undefined: of what is left out the router hands on what the address has, understood or not. */
export function optional<T extends object>(o: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return o as { [K in keyof T]?: Exclude<T[K], undefined> }
}
