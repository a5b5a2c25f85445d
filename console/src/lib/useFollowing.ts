import { useState, type Dispatch, type SetStateAction } from 'react'

/**
 * useFollowing is the state of a form that begins with what the address says, and
 * begins again when the address says something else. The form stays the same one, so
 * that what has the focus keeps it.
 */
export function useFollowing<T>(key: string, begin: T): [T, Dispatch<SetStateAction<T>>] {
  const [seen, setSeen] = useState(key)
  const [state, setState] = useState(begin)
  if (seen !== key) {
    setSeen(key)
    setState(begin)
  }
  return [state, setState]
}
