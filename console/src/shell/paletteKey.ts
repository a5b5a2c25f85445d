// How often the palette was asked for. A small store, as its key may be pressed before
// the shell is there that shows it. What is typed after the key and before the palette
// has its field is kept for that: on a slow machine it would reach what had the focus.
const listeners = new Set<() => void>()
let asked = 0
let typed = ''

function set(times: number): void {
  asked = times
  for (const f of listeners) f()
}

function keep(e: KeyboardEvent): void {
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return
  if (e.key === 'Escape' || e.key === 'Tab') return letGo()
  if (e.key === 'Backspace') typed = typed.slice(0, -1)
  else if (e.key.length === 1) typed += e.key
  else if (e.key !== 'Enter') return // it would press what has the focus
  e.preventDefault()
  e.stopPropagation()
}

const field = 'input, textarea, [contenteditable=true]'

/** atField ends it where people go to a field, be it that of the palette or another; letGo also where they give it up. */
function atField(e: Event): void {
  if (e.target instanceof Element && e.target.closest(field)) letGo()
}

function letGo(): void {
  window.removeEventListener('keydown', keep, true)
  window.removeEventListener('focusin', atField)
  window.removeEventListener('pointerdown', letGo, true)
}

/** askForPalette opens it. Without a shell somebody who is in a field goes on typing there. */
export function askForPalette(): void {
  const at = document.activeElement
  if (!document.querySelector('[data-palette]') && (listeners.size > 0 || !at?.closest(field))) {
    typed = ''
    window.addEventListener('keydown', keep, true)
    window.addEventListener('focusin', atField)
    window.addEventListener('pointerdown', letGo, true)
  }
  set(asked + 1)
}

/** takeTyped returns what was typed before the palette had its field, once. */
export function takeTyped(): string {
  const kept = typed
  typed = ''
  letGo()
  return kept
}

/** forgetPalette is for where there is no shell: nobody who signs in later asked for it then. */
export function forgetPalette(): void {
  takeTyped()
  set(0)
}

export const paletteAsked = (): number => asked

export function onPalette(f: () => void): () => void {
  listeners.add(f)
  return () => listeners.delete(f)
}
