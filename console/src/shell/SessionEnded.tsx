import { Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useMe } from '../api/me'
import { sessionBegan } from '../api/session'
import { Dialog } from '../components/Dialog'
import { SignInForm } from '../components/SignInForm'
import { texts } from '../lib/texts'

/** SessionEnded lies over the page when the session is over, and keeps the work. */
export default function SessionEnded() {
  const me = useMe()
  const client = useQueryClient()
  const t = texts.common.session
  const done = async () => {
    sessionBegan()
    await client.invalidateQueries()
  }
  return (
    <Dialog opened title={t.ended}>
      <Text size="sm" mb="md">{t.endedHint}</Text>
      <SignInForm onDone={done} email={me.person?.email ?? ''} withKey={!me.person} />
    </Dialog>
  )
}
