import { Stack } from '@mantine/core'
import { atLeast, useMe } from '../../api/me'
import { Page } from '../../components/Page'
import { texts } from '../../lib/texts'
import { Start } from '../Start'
import { Checklist } from './Checklist'
import { Mine } from './Mine'
import { Services } from './Services'
import { ClusterLine, Waiting } from './Waiting'

/** Home is what somebody of a company may open. Operators without one go to their pages. */
export function Home() {
  const me = useMe()
  if (!me.person) return <Start />
  return (
    <Page title={texts.portal.pages.home} about={texts.portal.home.about(me.company?.name ?? '')}>
      <Stack gap="xl">
        <Checklist />
        <Waiting />
        <Services />
        <Mine />
        {atLeast(me.operations, 'read') && <ClusterLine />}
      </Stack>
    </Page>
  )
}
