// What is wrong with the fields of a question, as typed or as an address has them.
import { parseContext, parseObject, parseRevision, parseSubject } from './relationship'

type Parse = (text: string) => unknown
type Faults<F extends string> = Partial<Record<F, string>>

/** faultOf is what a parser says of a text; undefined: nothing. */
export function faultOf(parse: Parse, text: string): string | undefined {
  try {
    parse(text)
    return undefined
  } catch (e) {
    return e instanceof Error ? e.message : String(e)
  }
}

/** faultsOf is what parsers say of the fields that are not empty. */
function faultsOf<F extends string>(parsers: Partial<Record<F, Parse>>, texts: Partial<Record<F, string>>): Faults<F> {
  const found: Faults<F> = {}
  for (const field of Object.keys(parsers) as F[]) {
    const parse = parsers[field]
    const text = texts[field]
    const fault = parse && text ? faultOf(parse, text) : undefined
    if (fault) found[field] = fault
  }
  return found
}

type Check = { resource?: string; subject?: string; context?: string; at?: string }

export const faultsOfCheck = (q: Check): Faults<keyof Check> =>
  faultsOf({ resource: parseObject, subject: parseSubject, context: parseContext, at: parseRevision }, q)

type Look = { resource?: string; subject?: string; at?: string; vs?: string; vsAt?: string }

/** faultsOfLookup leaves out the type that is looked for, which only a schema knows. */
export const faultsOfLookup = (kind: 'who' | 'what', a: Look): Faults<keyof Look> =>
  faultsOf<keyof Look>({ ...(kind === 'who' ? { resource: parseObject, vs: parseObject } : { subject: parseSubject, vs: parseSubject }), at: parseRevision, vsAt: parseRevision }, a)
