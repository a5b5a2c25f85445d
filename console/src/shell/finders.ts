import type { Me } from '../api/me'
import type { IconName } from '../components/Icon'

/** Found is something that the palette leads to. */
export type Found = { label: string; about: string; icon: IconName; href: string }

/** Finder looks for something by what was typed; it throws when it may not. */
export type Finder = (query: string, me: Me, signal: AbortSignal) => Promise<Found[]>

/** finders are asked in this order. */
export const finders: Finder[] = []
