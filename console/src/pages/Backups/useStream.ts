import { useEffect, useEffectEvent, useState } from 'react'

export type Progress<T> = { last: T | undefined; done: boolean; error: unknown }

/** useStream runs a stream as long as the component is there, and keeps its newest message. */
export function useStream<T>(start: (signal: AbortSignal) => AsyncGenerator<T>, onDone?: () => void): Progress<T> {
  const [progress, setProgress] = useState<Progress<T>>({ last: undefined, done: false, error: undefined })
  const begin = useEffectEvent(start)
  const ended = useEffectEvent(() => onDone?.())
  useEffect(() => {
    const ctl = new AbortController()
    const run = async () => {
      for await (const last of begin(ctl.signal)) setProgress({ last, done: false, error: undefined })
      setProgress((p) => ({ ...p, done: true }))
      ended()
    }
    // Strict mode starts effects twice: what ends before it began asks nothing.
    const timer = setTimeout(() => run().catch((error: unknown) => { if (!ctl.signal.aborted) setProgress((p) => ({ ...p, done: true, error })) }))
    return () => {
      clearTimeout(timer)
      ctl.abort()
    }
  }, [])
  return progress
}
