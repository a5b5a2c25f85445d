import { post } from '../../api/client'
import { useMySessions } from '../../api/portal/account'
import { path, useChange } from '../../api/portal/lists'
import { Failure } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Sessions } from '../../components/portal/Sessions'
import { texts } from '../../lib/texts'

/** SessionsTab is where one is signed in oneself. */
export function SessionsTab() {
  const all = useMySessions()
  const end = useChange((id: string) => post(path('me', 'sessions', 'end'), { id }))
  if (all.isPending) return <Loading />
  if (all.isError) return <Failure error={all.error} what={texts.company.sessions.label} retry={all.refetch} />
  const sessions = all.data.sessions ?? []
  return <Sessions sessions={sessions} mayEnd onEnd={(id) => end.mutateAsync(id)} {...(sessions.length > 1 ? { all: texts.company.sessions.endOthers } : {})} />
}
