import { Radio, Stack, Switch, useMantineColorScheme, type MantineColorScheme } from '@mantine/core'
import { prefer, usePreferences } from '../../lib/preferences'
import { texts } from '../../lib/texts'

const t = texts.company.me

/** Settings are of this browser: the theme, and how keys and long tables work. */
export function Settings() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const p = usePreferences()
  return (
    <Stack>
      <Radio.Group label={texts.common.theme.label} value={colorScheme} onChange={(v) => setColorScheme(v as MantineColorScheme)}>
        <Stack gap="xs" mt="xs">{(['light', 'dark', 'auto'] as const).map((s) => <Radio key={s} value={s} label={texts.common.theme[s]} />)}</Stack>
      </Radio.Group>
      <Switch label={t.singleKeys} description={t.singleKeysHint} checked={p.singleKeys} onChange={(e) => prefer({ singleKeys: e.currentTarget.checked })} />
      <Switch label={t.pages} description={t.pagesHint} checked={p.pages} onChange={(e) => prefer({ pages: e.currentTarget.checked })} />
    </Stack>
  )
}
