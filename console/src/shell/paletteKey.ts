// How often the palette was asked for. A small store, as its key may be pressed before
// the shell is there that shows it.
const listeners = new Set<() => void>()
let asked = 0

function set(times: number): void {
  asked = times
  for (const f of listeners) f()
}

export const askForPalette = (): void => set(asked + 1)
/** forgetPalette is for where there is no shell: nobody who signs in later asked for it then. */
export const forgetPalette = (): void => set(0)
export const paletteAsked = (): number => asked

export function onPalette(f: () => void): () => void {
  listeners.add(f)
  return () => listeners.delete(f)
}
