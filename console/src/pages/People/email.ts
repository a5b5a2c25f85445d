import type { UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { texts } from '../../lib/texts'

const t = texts.company.form

export const domainOf = (email: string): string => email.slice(email.lastIndexOf('@') + 1).trim().toLowerCase()

/** wellFormed is the rough check before anything is asked; the server decides. */
export const wellFormed = (email: string): boolean => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email.trim())

/** Opinion is what can be said of an address while it is typed. */
export type Opinion = { error?: string; hint?: string }

/** judge says whether an address is taken, or its domain unusual, by the people whose address resembles it. */
export function judge(email: string, alike: readonly UserJson[], sameDomain: boolean, own?: string): Opinion {
  const wanted = email.trim().toLowerCase()
  if (wanted === '' || wanted === own?.toLowerCase()) return {}
  if (!wellFormed(wanted)) return { error: t.mistyped }
  if (alike.some((u) => u.email?.toLowerCase() === wanted)) return { error: t.taken }
  return sameDomain ? {} : { hint: t.foreign(domainOf(wanted)) }
}
