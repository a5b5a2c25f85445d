import { Button, Group, Text } from '@mantine/core'
import { useSchemaHistory, type Live } from '../../api/schemaTools'
import { Alert } from '@mantine/core'
import { ago } from '../../lib/format'
import { texts } from '../../lib/texts'
import { Diff } from './HistoryTab'

const t = texts.schema

/** RemoteChange shows what somebody else wrote while this was being edited. */
export function RemoteChange({ base, live, onTake, onKeep }: { base: Live; live: Live; onTake: () => void; onKeep: () => void }) {
  const history = useSchemaHistory()
  const v = history.data?.schemas?.find((s) => s.revision === live?.revision)
  const when = v?.time ? ago(new Date(v.time), new Date(history.dataUpdatedAt)) : ''
  return (
    <Alert color="yellow" role="alert" variant="light" title={texts.common.conflict} mb="sm" className="app-no-shrink">
      <Text size="sm">{t.conflict(v?.actor || texts.workbench.history.nobody, when, v?.reason ?? '')}</Text>
      <Text size="sm" fw={600} mt="xs">{t.conflictTheirs}</Text>
      <Diff from={base?.revision ?? '0'} to={live?.revision ?? ''} />
      <Group mt="xs">
        <Button size="xs" onClick={onTake}>{t.takeTheirs}</Button>
        <Button size="xs" variant="default" onClick={onKeep}>{t.keepMine}</Button>
      </Group>
    </Alert>
  )
}
