// Relationships as text, in the grammar of the command line:
//   type:id#relation@type:id[#relation][caveat:{json}][expiration:TIME]
import type { ObjectReferenceJson, RelationshipJson, SubjectReferenceJson } from '../api/gen/authzed/api/v1/core_pb'

type Context = NonNullable<NonNullable<RelationshipJson['optionalCaveat']>['context']>

const typeName = /^([a-z][a-z0-9_]{0,62}[a-z0-9]\/)*[a-z][a-z0-9_]{0,62}[a-z0-9]$/
const relationName = /^[a-z][a-z0-9_]{0,62}[a-z0-9]$/
const objectId = /^[a-zA-Z0-9/_|\-=+]{1,1024}$/

/** TextFault says what is wrong with a text, and what would be right. */
export class TextFault extends Error {}

const fault = (message: string): never => {
  throw new TextFault(message)
}

export function parseObject(text: string): ObjectReferenceJson {
  if (text === '') fault('it is missing; an object is TYPE:ID, such as model:claims')
  const colon = text.indexOf(':')
  if (colon < 0) fault(`“${text}” has no “:”; an object is TYPE:ID, such as model:claims`)
  const objectType = text.slice(0, colon)
  const id = text.slice(colon + 1)
  if (!typeName.test(objectType)) fault(`“${objectType}” is not the name of a type: small letters, digits and _`)
  if (!objectId.test(id)) fault(id === '' ? 'the id is missing after the “:”' : `“${id}” is not an id: letters, digits and / _ | - = +`)
  return { objectType, objectId: id }
}

const lastRevision = 2n ** 64n - 1n

export function parseRevision(text: string): string {
  if (!/^[1-9][0-9]{0,19}$/.test(text) || BigInt(text) > lastRevision) fault(`“${text}” is not a revision: a whole number from 1 on, such as 12`)
  return text
}

export function parseSubject(text: string): SubjectReferenceJson {
  const hash = text.indexOf('#')
  const object = hash < 0 ? text : text.slice(0, hash)
  const relation = hash < 0 ? '' : text.slice(hash + 1)
  if (hash >= 0 && relation !== '...' && !relationName.test(relation)) fault(`“${relation}” is not the name of a relation`)
  const wildcard = /^(.+):\*$/.exec(object)
  if (wildcard?.[1]) {
    if (relation) fault('the wildcard * has no relation')
    if (!typeName.test(wildcard[1])) fault(`“${wildcard[1]}” is not the name of a type`)
    return { object: { objectType: wildcard[1], objectId: '*' } }
  }
  return { object: parseObject(object), ...(relation && relation !== '...' ? { optionalRelation: relation } : {}) }
}

/** parseRelationship reads the whole of one; it throws a TextFault. */
export function parseRelationship(text: string): RelationshipJson {
  const hash = text.indexOf('#')
  if (hash < 0) fault('the “#” before the relation is missing; the form is type:id#relation@type:id')
  const at = text.indexOf('@', hash)
  if (at < 0) fault('the “@” before the subject is missing; the form is type:id#relation@type:id')
  const relation = text.slice(hash + 1, at)
  if (!relationName.test(relation)) fault(`“${relation}” is not the name of a relation`)
  const bracket = text.indexOf('[', at)
  const subject = bracket < 0 ? text.slice(at + 1) : text.slice(at + 1, bracket)
  return {
    resource: parseObject(text.slice(0, hash)), relation, subject: parseSubject(subject),
    ...(bracket < 0 ? {} : parseTrait(text.slice(bracket))),
  }
}

const expiration = /\[expiration:([^\]{]+)\]$/

function parseTrait(text: string): Pick<RelationshipJson, 'optionalCaveat' | 'optionalExpiresAt'> {
  const result: Pick<RelationshipJson, 'optionalCaveat' | 'optionalExpiresAt'> = {}
  const expires = expiration.exec(text)
  if (expires?.[1]) {
    if (Number.isNaN(Date.parse(expires[1]))) fault(`“${expires[1]}” is not a moment such as 2030-01-31T12:00:00Z`)
    result.optionalExpiresAt = expires[1]
  }
  const caveat = expires ? text.slice(0, expires.index) : text
  if (caveat === '') return result
  const m = /^\[([^:\]]+)(?::(\{.*\}))?\]$/.exec(caveat)
  if (!m?.[1] || !typeName.test(m[1])) return fault('after the subject come only [caveat] or [caveat:{…}], then [expiration:TIME]')
  result.optionalCaveat = { caveatName: m[1], ...(m[2] ? { context: parseContext(m[2]) } : {}) }
  return result
}

/** parseContext reads the values of caveat parameters; it throws a TextFault. */
export function parseContext(text: string): Context {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (e) {
    fault(`not JSON: ${e instanceof Error ? e.message : ''}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fault('the values are a JSON object, such as {"ip": "10.0.0.1"}')
  return value as Context
}

export const objectText = (o: ObjectReferenceJson | undefined): string => `${o?.objectType ?? ''}:${o?.objectId ?? ''}`

export const subjectText = (s: SubjectReferenceJson | undefined): string =>
  objectText(s?.object) + (s?.optionalRelation ? '#' + s.optionalRelation : '')

/** shortened leaves out the middle of long ids, where there is little room; what follows them counts more. */
export const shortened = (text: string): string => text.replace(/(:[\w/|\-=+]{6})[\w/|\-=+]{6,}([\w/|\-=+]{4})/g, '$1…$2')

/** keyText is a relationship without what it depends on: what makes it one and the same. */
export const keyText = (r: RelationshipJson): string => `${objectText(r.resource)}#${r.relation ?? ''}@${subjectText(r.subject)}`

export function relationshipText(r: RelationshipJson): string {
  const c = r.optionalCaveat
  const values = c?.context && Object.keys(c.context).length > 0 ? ':' + JSON.stringify(c.context) : ''
  return keyText(r) + (c?.caveatName ? `[${c.caveatName}${values}]` : '') + (r.optionalExpiresAt ? `[expiration:${r.optionalExpiresAt}]` : '')
}
