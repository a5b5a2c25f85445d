import type { AssertionJson } from '../api/gen/pemba/console/v1/assertions_pb'

/** ordered writes a value as JSON in which the order of fields says nothing. */
const ordered = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) => (typeof v === 'object' && v !== null && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v))

/** sameQuestion tells whether two assertions ask the same: with other values for caveats it is another question. */
export const sameQuestion = (a: AssertionJson, b: AssertionJson): boolean => a.text === b.text && ordered(a.context ?? {}) === ordered(b.context ?? {})

/** sameAssertion tells whether they expect the same, too. */
export const sameAssertion = (a: AssertionJson, b: AssertionJson): boolean => sameQuestion(a, b) && a.expected === b.expected

/** withAssertion is a list with one more, which takes the place of one that asks the same. */
export const withAssertion = (all: AssertionJson[], added: AssertionJson): AssertionJson[] => [...all.filter((a) => !sameQuestion(a, added)), added]
