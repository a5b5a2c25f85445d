import { isApiError } from '../errors'

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase())

/** faults maps the fields of a form that an error is about to what is wrong; what no field is to blame for is not in it. */
export function faults(e: unknown, known: readonly string[]): Record<string, string> {
  if (!isApiError(e)) return {}
  const all = e.violations.map((v) => [v.field ?? '', v.description ?? e.message] as const)
  const one = e.metadata['field']
  // The message begins with the field's name, which the form says better.
  if (one && all.length === 0) all.push([one, e.message.startsWith(one + ': ') ? e.message.slice(one.length + 2) : e.message])
  const named = all.map(([field, what]) => [known.find((k) => k === camel(field) || camel(field).endsWith('.' + k)), what] as const)
  return Object.fromEntries(named.filter((n): n is readonly [string, string] => n[0] !== undefined))
}
