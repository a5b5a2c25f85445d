// Filters of relationships as text: a relationship of which parts are left out,
// as `pemba relationship read` takes it.
import type { RelationshipJson } from '../api/gen/authzed/api/v1/core_pb'
import type { RelationshipFilterJson } from '../api/gen/authzed/api/v1/permission_service_pb'
import { TextFault } from './relationship'

/** Filter is the parts of a filter; what is empty is left out. */
export type Filter = {
  type: string
  /** id may end in % and is then the beginning of one. */
  id: string
  relation: string
  subjectType: string
  subjectId: string
  /** subjectRelation is "..." for subjects that have none. */
  subjectRelation: string
}

export const noFilter: Filter = { type: '', id: '', relation: '', subjectType: '', subjectId: '', subjectRelation: '' }

const cut = (text: string, at: string): [string, string] => {
  const i = text.indexOf(at)
  return i < 0 ? [text, ''] : [text.slice(0, i), text.slice(i + 1)]
}

const name = /^[a-z][a-z0-9_/]*$/

/** parseFilter reads "model:cl%#editor@user:maria"; it throws a TextFault. */
export function parseFilter(text: string): Filter {
  const [left, subject] = cut(text.trim(), '@')
  const [resource, relation] = cut(left, '#')
  const [type, id] = cut(resource, ':')
  const [object, subjectRelation] = cut(subject, '#')
  const [subjectType, subjectId] = cut(object, ':')
  for (const [what, word] of [['type', type], ['relation', relation], ['type', subjectType]] as const) {
    if (word && !name.test(word)) throw new TextFault(`“${word}” is not the name of a ${what}; a filter is like model:claims#editor@user:maria, with parts left out`)
  }
  if (id && !type) throw new TextFault('an id needs a type before it: model:claims')
  if ((subjectId || subjectRelation) && !subjectType) throw new TextFault('the subject needs a type: @user:maria')
  return { type, id, relation, subjectType, subjectId, subjectRelation }
}

export function filterText(f: Filter): string {
  const resource = f.type + (f.id ? ':' + f.id : '') + (f.relation ? '#' + f.relation : '')
  const subject = f.subjectType + (f.subjectId ? ':' + f.subjectId : '') + (f.subjectRelation ? '#' + f.subjectRelation : '')
  return resource + (subject ? '@' + subject : '')
}

/** exactly is the filter of one relationship. */
export const exactly = (r: RelationshipJson): RelationshipFilterJson => ({
  resourceType: r.resource?.objectType ?? '', optionalResourceId: r.resource?.objectId ?? '', optionalRelation: r.relation ?? '',
  optionalSubjectFilter: { subjectType: r.subject?.object?.objectType ?? '', optionalSubjectId: r.subject?.object?.objectId ?? '', optionalRelation: { relation: r.subject?.optionalRelation ?? '' } },
})

export const isEmpty = (f: Filter): boolean => filterText(f) === ''

/** selects tells whether the server takes it: it names a type of resources or of subjects. */
export const selects = (f: Filter): boolean => f.type !== '' || f.subjectType !== ''

export function toRequest(f: Filter): RelationshipFilterJson {
  const prefix = f.id.endsWith('%')
  return {
    ...(f.type ? { resourceType: f.type } : {}),
    ...(f.id && !prefix ? { optionalResourceId: f.id } : {}),
    ...(prefix && f.id.length > 1 ? { optionalResourceIdPrefix: f.id.slice(0, -1) } : {}),
    ...(f.relation ? { optionalRelation: f.relation } : {}),
    ...(f.subjectType
      ? {
          optionalSubjectFilter: {
            subjectType: f.subjectType,
            ...(f.subjectId ? { optionalSubjectId: f.subjectId } : {}),
            ...(f.subjectRelation ? { optionalRelation: { relation: f.subjectRelation === '...' ? '' : f.subjectRelation } } : {}),
          },
        }
      : {}),
  }
}
