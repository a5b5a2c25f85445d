// Which workspaces somebody opened last, in this browser: ids, the last one first.

const most = 20

const key = (person: string) => `pemba.opened.${person}`

export function opened(person: string): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key(person)) ?? '[]')
    return Array.isArray(kept) ? kept.filter((id) => typeof id === 'string') : []
  } catch {
    return []
  }
}

export function noteOpened(person: string, id: string): void {
  try {
    localStorage.setItem(key(person), JSON.stringify([id, ...opened(person).filter((o) => o !== id)].slice(0, most)))
  } catch {
    // storage is off: they stay in the order of the server
  }
}

/** byOpening puts first what was opened last; the rest stays in its order. */
export function byOpening<T extends { id?: string }>(rows: readonly T[], last: readonly string[]): T[] {
  const place = (row: T) => {
    const at = last.indexOf(row.id ?? '')
    return at < 0 ? last.length : at
  }
  return rows.toSorted((a, b) => place(a) - place(b))
}
