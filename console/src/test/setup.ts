import '@testing-library/jest-dom/vitest'
import { cleanup, configure } from '@testing-library/react'
import { afterEach } from 'vitest'

// What is waited for comes, or the test fails: how long it takes is the machine's business.
configure({ asyncUtilTimeout: 60_000 })

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
