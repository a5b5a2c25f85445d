import { useBlocker } from '@tanstack/react-router'
import { AskToLeave } from './Dialog'

/** Leaving asks before a page is left, or the browser closed, with what was changed on it. */
export function Leaving({ dirty }: { dirty: boolean }) {
  const blocker = useBlocker({ shouldBlockFn: ({ current, next }) => dirty && current.pathname !== next.pathname, enableBeforeUnload: () => dirty, withResolver: true })
  return blocker.status === 'blocked' && <AskToLeave onStay={blocker.reset} onLeave={blocker.proceed} />
}
