import { useState } from 'react'

/** usePlaces remembers where one was before one went to a definition. */
export function usePlaces() {
  const [state, setState] = useState<{ back: number[]; forward: number[] }>({ back: [], forward: [] })
  return {
    canBack: state.back.length > 0,
    canForward: state.forward.length > 0,
    leave: (at: number) => setState((s) => ({ back: [...s.back, at], forward: [] })),
    back: (at: number): number | undefined => {
      const to = state.back.at(-1)
      if (to !== undefined) setState((s) => ({ back: s.back.slice(0, -1), forward: [...s.forward, at] }))
      return to
    },
    forward: (at: number): number | undefined => {
      const to = state.forward.at(-1)
      if (to !== undefined) setState((s) => ({ back: [...s.back, at], forward: s.forward.slice(0, -1) }))
      return to
    },
  }
}
