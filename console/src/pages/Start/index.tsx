import { Navigate } from '@tanstack/react-router'
import { useMe } from '../../api/me'
import { Empty } from '../../components/Empty'
import { Page } from '../../components/Page'
import { texts } from '../../lib/texts'
import { navigation } from '../../shell/nav'

/** Start leads to the first page that somebody may open. */
export function Start() {
  const me = useMe()
  const first = navigation(me)[0]?.items[0]
  if (first && first.to !== '/') return <Navigate to={first.to} replace />
  return (
    <Page title={texts.common.product}>
      <Empty kind="notAllowed" title={texts.common.notAllowed}>{texts.common.nothingOpen}</Empty>
    </Page>
  )
}
