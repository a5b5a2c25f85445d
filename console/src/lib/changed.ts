/** changed leaves the fields that differ from what was, trimmed: only those are sent. */
export function changed<K extends string>(was: Readonly<Record<K, string>>, is: Readonly<Record<K, string>>, names: readonly K[]): Partial<Record<K, string>> {
  const differ = names.filter((n) => is[n].trim() !== was[n])
  return Object.fromEntries(differ.map((n) => [n, is[n].trim()])) as Partial<Record<K, string>>
}
