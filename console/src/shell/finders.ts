import { atLeast, type Me } from '../api/me'
import type { IconName } from '../components/Icon'

/** Found is something that the palette leads to. */
export type Found = { label: string; about: string; icon: IconName; href: string }

/** Finder looks for something by what was typed; it throws when it may not. */
export type Finder = (query: string, me: Me, signal: AbortSignal) => Promise<Found[]>

const object = /^[a-z0-9_/]+:[^\s#@]+$/

// Objects, whether they exist or not: the workbench asks about them.
const objects: Finder = (query, me) => {
  if (!object.test(query) || !atLeast(me.workbench, 'read')) return Promise.resolve([])
  const id = encodeURIComponent(query)
  return Promise.resolve([
    { label: `Relationships of ${query}`, about: 'Workbench', icon: 'relation', href: `/console/workbench/relationships?filter=${id}` },
    { label: `Check access to ${query}`, about: 'Workbench', icon: 'check', href: `/console/workbench/check?resource=${id}` },
    { label: `What can ${query} reach`, about: 'Workbench', icon: 'what', href: `/console/workbench/what?subject=${id}` },
  ])
}

/** finders are asked in this order. */
export const finders: Finder[] = [objects]
