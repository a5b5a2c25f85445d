import { useState } from 'react'
import { post } from '../../api/client'
import { at } from '../../api/explain'
import type { ExplainResponseJson } from '../../api/gen/pemba/v1/explain_service_pb'
import type { Lookup } from '../../api/lookup'
import { how, type How } from '../../lib/how'
import { parseContext, parseObject, parseSubject } from '../../lib/relationship'
import { tree } from '../../lib/steps'

const most = 100
const together = 4

/** useHows asks, when it is started, for the reasons of what was found. */
export function useHows(lookup: Lookup | undefined, ids: string[]) {
  const key = JSON.stringify([lookup, ids.length])
  const [state, setState] = useState<{ key: string; busy: boolean; done: boolean; hows: Map<string, How> }>({ key, busy: false, done: false, hows: new Map() })
  const mine = state.key === key ? state : { key, busy: false, done: false, hows: new Map<string, How>() }
  const start = async () => {
    if (!lookup) return
    const hows = new Map<string, How>()
    const queue = ids.slice(0, most).filter((id) => !id.endsWith(':*'))
    setState({ key, busy: true, done: false, hows })
    const consistency = await at(lookup.at, lookup.full ?? false)
    const work = async () => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        const [resource, subject] = lookup.kind === 'who' ? [lookup.resource, id] : [id, lookup.subject]
        const body = { consistency, resource: parseObject(resource), permission: lookup.permission, subject: parseSubject(subject), ...(lookup.context ? { context: parseContext(lookup.context) } : {}) }
        const r = await post<ExplainResponseJson>('/pemba/v1/permissions/explain', body).catch(() => undefined)
        if (r) hows.set(id, how(tree(r.steps ?? [])))
      }
    }
    await Promise.all(Array.from({ length: together }, work))
    setState({ key, busy: false, done: true, hows })
  }
  return { ...mine, most, start: () => void start() }
}
