import { post } from '../../api/client'
import type { UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { path, useChange } from '../../api/portal/lists'
import { useUserSessions } from '../../api/portal/people'
import { can } from '../../api/portal/words'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Sessions } from '../../components/portal/Sessions'
import { texts } from '../../lib/texts'

const t = texts.company

/** SessionsTab is where the person is signed in. */
export function SessionsTab({ of: u }: { of: UserJson }) {
  const all = useUserSessions(u.id ?? '', true)
  const end = useChange((sessionId: string) => post(path('users', u.id ?? '', 'sessions', 'end'), { sessionId }))
  if (all.isPending) return <Loading />
  if (all.isError) return <Refused error={all.error} what={t.sessions.label} permission="edit_user" retry={all.refetch} />
  if (!all.data.sessions?.length) return <Empty kind="nothing" title={t.person.noSessions}>{t.person.noSessionsHint}</Empty>
  return <Sessions sessions={all.data.sessions} mayEnd={can(u.allowed, 'edit')} all={t.sessions.endAll} onEnd={(id) => end.mutateAsync(id)} />
}
