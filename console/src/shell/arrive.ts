import { sessionBegan } from '../api/session'
import { forgetPalette } from './paletteKey'

/** arrive is for when somebody has just signed in: what was before is over. */
export function arrive(): void {
  sessionBegan()
  forgetPalette()
}
