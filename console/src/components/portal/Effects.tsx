import { List, Text } from '@mantine/core'
import type { EffectJson } from '../../api/gen/pemba/portal/v1/common_pb'
import { texts } from '../../lib/texts'

/** Effects says what an action would do before it is done. */
export function Effects({ effects, allowed }: { effects: readonly EffectJson[] | undefined; allowed: boolean | undefined }) {
  const t = texts.portal
  if (!effects?.length) return <Text size="sm">{t.noEffects}</Text>
  return (
    <>
      <Text size="sm" fw={600}>{t.effects}</Text>
      <List size="sm" mt={4}>
        {effects.map((e, i) => <List.Item key={i} {...(e.blocks ? { fw: 600 } : {})}>{e.sentence}{e.blocks && ` — ${t.notPossible}`}</List.Item>)}
      </List>
      {!allowed && <Text size="sm" mt="xs" role="status">{t.blocked}</Text>}
    </>
  )
}
