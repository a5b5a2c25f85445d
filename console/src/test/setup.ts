import '@testing-library/jest-dom/vitest'
import { cleanup } from '@testing-library/react'
import { afterEach } from 'vitest'

afterEach(cleanup)

// What jsdom lacks of a browser.
window.matchMedia ??= ((media: string) => ({
  matches: false, media, onchange: null, addEventListener: () => undefined, removeEventListener: () => undefined,
  addListener: () => undefined, removeListener: () => undefined, dispatchEvent: () => false,
})) as typeof window.matchMedia
globalThis.ResizeObserver ??= class {
  observe(): void { return }
  unobserve(): void { return }
  disconnect(): void { return }
}
Element.prototype.scrollIntoView ??= () => undefined
