import { texts } from '../lib/texts'
import type { Path } from './nav'

/** accountLinks are the pages about oneself, in the menu of the account. */
export const accountLinks: { to: Path; label: string }[] = [{ to: '/me', label: texts.company.pages.me }]
