// The walk that led to an answer, as the server tells it: nothing is decided
// here, only put in an order for the eyes.
import type { RelationshipJson } from '../api/gen/authzed/api/v1/core_pb'
import type { ExplainStep_KindJson, ExplainStepJson } from '../api/gen/pemba/v1/explain_service_pb'
import { relationshipText } from './relationship'

export type Answer = 'yes' | 'no' | 'conditional' | 'undecided'

/** Step is one step of a walk with those below it. */
export type Step = {
  /** id is the place in the server's list. */
  id: number
  kind: ExplainStep_KindJson
  answer: Answer
  /** what was asked: "model:claims edit", or an expression. */
  resource: string
  relation: string
  relationship: RelationshipJson | undefined
  stored: boolean
  all: boolean
  missing: string[]
  repeated: boolean
  answeredBy: number | undefined
  children: Step[]
}

export function answerOf(permissionship: string | undefined): Answer {
  switch (permissionship) {
    case 'PERMISSIONSHIP_HAS_PERMISSION': return 'yes'
    case 'PERMISSIONSHIP_CONDITIONAL_PERMISSION': return 'conditional'
    case 'PERMISSIONSHIP_NO_PERMISSION': return 'no'
    default: return 'undecided'
  }
}

/** tree ties the steps together, which name each other by place; children come later in the list. */
export function tree(list: ExplainStepJson[]): Step | undefined {
  const steps = list.map((s, id): Step => ({
    id, kind: s.kind ?? 'KIND_SET', answer: answerOf(s.permissionship),
    resource: s.resource ? `${s.resource.objectType ?? ''}:${s.resource.objectId ?? ''}` : '',
    relation: s.relation ?? '', relationship: s.relationship ?? undefined, stored: s.stored ?? false, all: s.all ?? false,
    missing: s.missing ?? [], repeated: s.repeated ?? false, answeredBy: s.answeredBy ?? undefined, children: [],
  }))
  list.forEach((s, i) => {
    for (const c of s.children ?? []) {
      const child = steps[c]
      if (child && c > i) steps[i]?.children.push(child)
    }
  })
  return steps[0]
}

const exhaustive: ExplainStep_KindJson[] = ['KIND_INTERSECTION', 'KIND_EXCLUSION', 'KIND_FOLLOW']

function inVain(s: Step): boolean {
  const only = s.children.length === 1 ? s.children[0] : undefined
  return s.kind === 'KIND_FOLLOW' && only ? inVain(only) : s.answer === 'no'
}

/**
 * deciding leaves out of a grant the alternatives that were tried in vain, as
 * `pemba check --explain` does. Of a refusal every step counts.
 */
export function deciding(s: Step): Step {
  const alternatives = s.answer !== 'no' && s.answer !== 'undecided' && !s.all && !exhaustive.includes(s.kind)
  return { ...s, children: s.children.filter((c) => !alternatives || !inVain(c)).map(deciding) }
}

/** Way is the relationships of one way to a grant, from the resource to the subject. */
export type Way = { relationships: RelationshipJson[]; arrows: number; /** more: other conditions hold as well */ more: boolean }

const cost = (w: Way): number => w.relationships.length + 10 * w.arrows
const cheapest = (ways: Way[]): Way | undefined => ways.sort((a, b) => cost(a) - cost(b))[0]

/**
 * way is the shortest way to a grant, for saying it in a sentence; undefined:
 * there is none. Where several conditions must hold it goes through the one that
 * is closest to the subject: rather by membership than by an arrow.
 */
export function way(s: Step): Way | undefined {
  if (s.answer === 'no' || s.answer === 'undecided') return undefined
  const own = s.relationship && s.stored ? [s.relationship] : []
  if (s.children.length === 0) return s.kind === 'KIND_RELATIONSHIP' && own.length === 0 ? undefined : { relationships: own, arrows: 0, more: false }
  const below = (s.kind === 'KIND_EXCLUSION' ? s.children.slice(0, 1) : s.children).map(way)
  const ways = below.filter((w) => w !== undefined)
  const every = s.kind === 'KIND_INTERSECTION' || s.kind === 'KIND_EXCLUSION' || s.all
  if (every && ways.length < below.length) return undefined
  const best = cheapest(ways)
  return best && {
    relationships: [...own, ...best.relationships],
    arrows: best.arrows + (s.kind === 'KIND_ARROW' ? 1 : 0),
    more: best.more || (every && s.children.length > 1),
  }
}

/** label says in a few words what a step did. */
export function label(s: Step): string {
  switch (s.kind) {
    case 'KIND_RELATIONSHIP':
    case 'KIND_FOLLOW':
      return s.relationship ? relationshipText(s.relationship) : `${s.resource}#${s.relation}`
    case 'KIND_SELF': return `${s.resource} itself`
    case 'KIND_NIL': return 'nil'
    default: return s.relation ? `${s.resource}#${s.relation}` : s.resource
  }
}

/** walk calls f for a step and all below it. */
export function walk(s: Step, f: (s: Step) => void): void {
  f(s)
  for (const c of s.children) walk(c, f)
}
