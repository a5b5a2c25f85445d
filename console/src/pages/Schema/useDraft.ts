import { useState } from 'react'
import { useDebouncedValue } from '@mantine/hooks'
import type { Live } from '../../api/schemaTools'

/** compilerWaits is for how long nothing is typed before the compiler is asked, in milliseconds. */
const compilerWaits = 250

/**
 * useDraft is the text that is being written, over the schema that it began
 * with. While nothing is changed it follows the live schema; after that, another
 * live schema is a conflict, which somebody has to settle.
 */
export function useDraft(live: Live, begun: string | undefined) {
  const [base, setBase] = useState(live)
  const [text, setText] = useState(begun ?? live?.text ?? '')
  const [round, setRound] = useState(0) // a new editor for each
  const [settled] = useDebouncedValue(text, compilerWaits)
  const dirty = text !== (base?.text ?? '')
  const moved = (live?.revision ?? '') !== (base?.revision ?? '')
  const take = (l: Live) => {
    setBase(l)
    setText(l?.text ?? '')
    setRound((n) => n + 1)
  }
  if (moved && (!dirty || text === live?.text)) take(live)
  return {
    text, settled, dirty, base, round, setText,
    conflict: moved && dirty,
    /** takeTheirs gives up the draft, keepMine writes it over theirs. */
    takeTheirs: () => take(live),
    keepMine: () => setBase(live),
    /** merged goes on with a text that has theirs in it. */
    merged: (t: string) => {
      setBase(live)
      setText(t)
      setRound((n) => n + 1)
    },
    discard: () => take(base),
    replace: (t: string) => {
      setText(t)
      setRound((n) => n + 1)
    },
  }
}
