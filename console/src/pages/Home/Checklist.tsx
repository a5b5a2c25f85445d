import { Alert, List } from '@mantine/core'
import { may, useMe } from '../../api/me'
import { useSubscriptions } from '../../api/portal/subscriptions'
import { TextLink } from '../../components/links'
import { texts } from '../../lib/texts'
import { serviceName } from '../../api/portal/words'

const t = texts.portal.home

/** Checklist guides an administrator whose company is still empty: it goes by itself. */
export function Checklist() {
  const me = useMe()
  const all = useSubscriptions()
  const subscriptions = all.data?.subscriptions ?? []
  if (!may(me, 'create_user') || !all.data || subscriptions.some((s) => Number(s.users ?? 0) > 1)) return null
  const first = subscriptions[0]
  return (
    <Alert variant="light" color="sea" title={t.steps}>
      <List type="ordered" size="sm">
        {t.first.map((step) => <List.Item key={step}>{step}</List.Item>)}
        {first && <List.Item>{t.includeThem} <TextLink to="/services/$sid" params={{ sid: first.id ?? '' }}>{serviceName(first.service)}</TextLink>.</List.Item>}
        <List.Item>{t.shareIt}</List.Item>
      </List>
    </Alert>
  )
}
