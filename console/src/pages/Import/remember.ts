import { targets, type Mapping, type Target } from './csv'

const key = 'pemba.import.columns'

/** remembered is what columns were mapped to before, in this browser. */
export function remembered(): Mapping {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? '{}')
    if (typeof kept !== 'object' || kept === null) return {}
    return Object.fromEntries(Object.entries(kept).filter((e): e is [string, Target] => targets.some((t) => t === e[1])))
  } catch {
    return {}
  }
}

export function remember(mapping: Mapping): void {
  try {
    localStorage.setItem(key, JSON.stringify({ ...remembered(), ...mapping }))
  } catch {
    // storage is off: they are guessed again
  }
}
