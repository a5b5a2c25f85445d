import { useBlocker } from '@tanstack/react-router'
import { Confirm } from '../../components/Confirm'
import { texts } from '../../lib/texts'

const t = texts.schema

/** Leaving asks before what was changed is lost. */
export function Leaving({ dirty }: { dirty: boolean }) {
  const blocker = useBlocker({ shouldBlockFn: ({ current, next }) => dirty && current.pathname !== next.pathname, enableBeforeUnload: () => dirty, withResolver: true })
  return (
    <Confirm opened={blocker.status === 'blocked'} onClose={() => blocker.reset?.()} title={t.leaveTitle} action={t.leave} onConfirm={() => { blocker.proceed?.(); return Promise.resolve() }}>
      {t.discardEffect}
    </Confirm>
  )
}
