import { Stack, Switch } from '@mantine/core'
import { patch } from '../../api/client'
import { useMe } from '../../api/me'
import type { SubscriptionJson, SwitchesJson } from '../../api/gen/pemba/portal/v1/subscriptions_pb'
import { path, useChange } from '../../api/portal/lists'
import { saved } from '../../components/Announcer'
import { Failure } from '../../components/Failure'
import { texts } from '../../lib/texts'

const t = texts.portal.service

/** Settings turns the policies of a subscription; each counts at once. */
export function Settings({ of: s }: { of: SubscriptionJson }) {
  const { readOnly } = useMe()
  const turn = useChange((change: SwitchesJson) => patch(path('subscriptions', s.id ?? '', 'switches'), change))
  const names = ['createOpen', 'publishOpen', 'editorShareOpen'] as const
  const shown = s.service === 'SERVICE_MODELER' ? names : names.slice(0, 1)
  return (
    <Stack maw={720} gap="lg">
      {shown.map((name) => (
        <Switch key={name} checked={s.switches?.[name] ?? false} label={t.switches[name]?.[0]} description={t.switches[name]?.[1]} disabled={!!readOnly || turn.isPending}
          onChange={(e) => turn.mutate({ [name]: e.currentTarget.checked }, { onSuccess: () => saved(t.switchSaved) })} />
      ))}
      {turn.isError && <Failure error={turn.error} what={texts.common.save} />}
    </Stack>
  )
}
