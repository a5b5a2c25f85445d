import { oneOf, optional, text, type Search } from '../../lib/search'

const services = ['SERVICE_MODELER', 'SERVICE_AUTOMATION', 'SERVICE_STUDIO', 'SERVICE_AI', 'SERVICE_BI'] as const

/** readAudit understands the address of the log; days are as people write them: 2026-03-01. */
export const readAudit = (s: Search) => optional({
  actor: text(s, 'actor'), action: text(s, 'action'), target: text(s, 'target'), service: oneOf(s, 'service', services),
  result: oneOf(s, 'result', ['allowed', 'refused']), since: day(s, 'since'), until: day(s, 'until'), search: text(s, 'search'),
  record: text(s, 'record'),
})

export type AuditSearch = ReturnType<typeof readAudit>

const day = (s: Search, name: string): string | undefined => {
  const v = text(s, name)
  return v && /^\d{4}-\d{2}-\d{2}$/.test(v) && !Number.isNaN(Date.parse(v)) ? v : undefined
}

/** params are what the API is asked: whole days in the time of the browser, until the end of the last. Which record is open is no filter, and what is not asked for is left out. */
export function params({ since, until, ...rest }: AuditSearch): Record<string, string> {
  const asked = { ...rest, record: undefined, since: since && midnight(since, 0), until: until && midnight(until, 1) }
  return Object.fromEntries(Object.entries(asked).filter((e): e is [string, string] => e[1] !== undefined))
}

function midnight(date: string, later: number): string {
  const [y = 0, m = 1, d = 1] = date.split('-').map(Number)
  return new Date(y, m - 1, d + later).toISOString()
}
