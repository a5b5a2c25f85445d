import { useEffect, useReducer, useRef } from 'react'
import { stream } from './client'
import { at } from './explain'
import type { LookupResourcesResponseJson, LookupSubjectsResponseJson, ResolvedSubjectJson } from './gen/authzed/api/v1/permission_service_pb'
import { parseContext, parseObject, parseSubject } from '../lib/relationship'

/** Lookup is who can (resource is an object, subject a type), or what can (the other way round). */
export type Lookup = { kind: 'who' | 'what'; resource: string; permission: string; subject: string; context?: string; at?: string; full?: boolean }

export type Found = { id: string; conditional: string[] | undefined; excluded: string[] }
export type State = { rows: Found[]; running: boolean; stopped: boolean; error: unknown; token: string; time: number }

const none: State = { rows: [], running: false, stopped: false, error: undefined, token: '', time: 0 }

function conditionOf(r: { permissionship?: string; partialCaveatInfo?: { missingRequiredContext?: string[] } } | undefined): string[] | undefined {
  return r?.permissionship === 'LOOKUP_PERMISSIONSHIP_CONDITIONAL_PERMISSION' ? (r.partialCaveatInfo?.missingRequiredContext ?? []) : undefined
}

async function* who(l: Lookup, signal: AbortSignal): AsyncGenerator<{ found: Found; token: string }> {
  const [type = '', relation] = l.subject.split('#')
  const messages = stream<LookupSubjectsResponseJson>('POST', '/v1/permissions/subjects', {
    consistency: await at(l.at, l.full ?? false, signal), resource: parseObject(l.resource), permission: l.permission, subjectObjectType: type,
    ...(relation ? { optionalSubjectRelation: relation } : {}), wildcardOption: 'WILDCARD_OPTION_INCLUDE_WILDCARDS',
    ...(l.context ? { context: parseContext(l.context) } : {}),
  }, { signal })
  const name = (s: ResolvedSubjectJson) => `${type}:${s.subjectObjectId ?? ''}${relation ? '#' + relation : ''}`
  for await (const m of messages) {
    if (m.subject) yield { found: { id: name(m.subject), conditional: conditionOf(m.subject), excluded: (m.excludedSubjects ?? []).map(name) }, token: m.lookedUpAt?.token ?? '' }
  }
}

async function* what(l: Lookup, signal: AbortSignal): AsyncGenerator<{ found: Found; token: string }> {
  const messages = stream<LookupResourcesResponseJson>('POST', '/v1/permissions/resources', {
    consistency: await at(l.at, l.full ?? false, signal), resourceObjectType: l.resource, permission: l.permission, subject: parseSubject(l.subject),
    ...(l.context ? { context: parseContext(l.context) } : {}),
  }, { signal })
  for await (const m of messages) yield { found: { id: `${l.resource}:${m.resourceObjectId ?? ''}`, conditional: conditionOf(m), excluded: [] }, token: m.lookedUpAt?.token ?? '' }
}

const drawEvery = 100 // milliseconds

/** useLookup streams the answers to a lookup; stop ends it with what has come. */
export function useLookup(lookup: Lookup | undefined, round: number): State & { stop: () => void } {
  const [state, set] = useReducer((_: State, next: State) => next, none)
  const ctl = useRef<AbortController>(null)
  const key = lookup ? JSON.stringify(lookup) : ''
  useEffect(() => {
    if (!key) return set(none)
    const c = new AbortController()
    ctl.current = c
    let left = false
    const now: State = { ...none, running: true }
    const show = (change: Partial<State> = {}) => {
      Object.assign(now, change)
      if (!left) set({ ...now, rows: [...now.rows] })
    }
    const timer = setInterval(show, drawEvery)
    show()
    const run = async () => {
      const l = JSON.parse(key) as Lookup
      for await (const m of l.kind === 'who' ? who(l, c.signal) : what(l, c.signal)) {
        now.rows.push(m.found)
        now.token = m.token
      }
    }
    run().then(() => show({ running: false, time: Date.now() }), (error: unknown) => show({ running: false, time: Date.now(), ...(c.signal.aborted ? { stopped: true } : { error }) }))
      .finally(() => clearInterval(timer))
    return () => {
      left = true
      clearInterval(timer)
      c.abort()
    }
  }, [key, round])
  return { ...state, stop: () => ctl.current?.abort() }
}
