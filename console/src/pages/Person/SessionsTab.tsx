import { useState } from 'react'
import { Group, Stack, Text, Title } from '@mantine/core'
import { post } from '../../api/client'
import { useMe } from '../../api/me'
import type { UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { path, useChange } from '../../api/portal/lists'
import { userName, useUserSessions } from '../../api/portal/people'
import { can } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { Sessions } from '../../components/portal/Sessions'
import { TokenTable } from '../../components/portal/TokenTable'
import { WriteButton } from '../../components/WriteButton'
import { texts } from '../../lib/texts'

const t = texts.company.person

/** SessionsTab is where the person is signed in, and which machines act as the person. */
export function SessionsTab({ of: u }: { of: UserJson }) {
  const self = useMe().person?.id === u.id
  const all = useUserSessions(u.id ?? '', true)
  const [endingAll, setEndingAll] = useState(false)
  const end = useChange((sessionId: string) => post(path('users', u.id ?? '', 'sessions', 'end'), { sessionId }))
  if (all.isPending) return <Loading />
  if (all.isError) return <Refused error={all.error} what={t.tabs.sessions} permission="edit_user" retry={all.refetch} />
  const { sessions = [], tokens = [] } = all.data
  const mayEnd = can(u.allowed, 'edit')
  if (sessions.length + tokens.length === 0) return <Empty kind="nothing" title={t.noSessions}>{t.noSessionsHint}</Empty>
  return (
    <Stack gap="xl">
      <section aria-labelledby="person-sessions">
        <Group justify="space-between" mb="xs">
          <Title order={2} size="h4" id="person-sessions">{texts.company.sessions.label}</Title>
          {mayEnd && <WriteButton variant="default" onClick={() => setEndingAll(true)}>{t.endAll}</WriteButton>}
        </Group>
        {sessions.length > 0 ? <Sessions sessions={sessions} mayEnd={mayEnd} onEnd={(id) => end.mutateAsync(id)} /> : <Text c="dimmed">{t.noSession}</Text>}
      </section>
      <section aria-labelledby="person-tokens">
        <Title order={2} size="h4" id="person-tokens">{texts.company.tokens.label}</Title>
        <Text size="sm" mb="xs">{self ? <>{t.ownTokens} <TextLink to="/me" search={{ tab: 'tokens' }}>{texts.company.tokens.label}</TextLink></> : t.tokensAbout}</Text>
        {!self && (tokens.length > 0
          ? <TokenTable tokens={tokens} mayRevoke={mayEnd} title={(k) => t.revokeTitle(k, userName(u))} onRevoke={(id) => end.mutateAsync(id)} />
          : <Text c="dimmed">{t.noToken}</Text>)}
      </section>
      <Confirm opened={endingAll} onClose={() => setEndingAll(false)} title={t.endAllTitle(userName(u))} action={t.endAll} onConfirm={async () => { await end.mutateAsync(''); saved(t.allEnded) }}>
        <Text size="sm">{self ? t.endAllOwn : t.endAllAbout(sessions.length, tokens.length)}</Text>
      </Confirm>
    </Stack>
  )
}
