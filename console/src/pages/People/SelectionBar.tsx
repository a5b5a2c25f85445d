import { Button, Group, Paper, Text } from '@mantine/core'
import { may, useMe } from '../../api/me'
import { WriteButton } from '../../components/WriteButton'
import { count } from '../../lib/format'
import { texts } from '../../lib/texts'
import type { What } from './Bulk'

const t = texts.company.bulk

type Props = {
  selected: number
  /** total is how many fit the filter. */
  total: number
  collecting: boolean
  onAll: () => void
  onNone: () => void
  onDo: (what: What) => void
}

/** SelectionBar offers what can be done with those who are selected. */
export function SelectionBar({ selected, total, collecting, onAll, onNone, onDo }: Props) {
  const me = useMe()
  if (selected === 0) return null
  const includes = me.services.some((s) => s.permissions.includes('include_user'))
  return (
    <Paper withBorder p="xs" mb="xs" role="region" aria-label={t.label}>
      <Group gap="xs">
        <Text size="sm" fw={600} mr="xs">{selected === total && total > 100 ? t.allSelected(count(total)) : t.selected(count(selected))}</Text>
        {may(me, 'manage_groups') && <WriteButton size="xs" variant="default" onClick={() => onDo('group')}>{t.group}</WriteButton>}
        {includes && <WriteButton size="xs" variant="default" onClick={() => onDo('service')}>{t.service}</WriteButton>}
        {may(me, 'deactivate_user') && <WriteButton size="xs" variant="default" onClick={() => onDo('deactivate')}>{t.deactivate}</WriteButton>}
        {selected < total && <Button size="xs" variant="subtle" color="gray" loading={collecting} onClick={onAll}>{t.all(count(total))}</Button>}
        <Button size="xs" variant="subtle" color="gray" onClick={onNone}>{t.none}</Button>
      </Group>
    </Paper>
  )
}
