import { useState } from 'react'
import { Alert, Button, Group, Text } from '@mantine/core'
import { useSchemaHistory, type Live } from '../../api/schemaTools'
import { ago } from '../../lib/format'
import { texts } from '../../lib/texts'
import { Diff } from './HistoryTab'
import { Merge } from './Merge'

const t = texts.schema

type Props = { base: Live; live: Live; text: string; onTake: () => void; onKeep: () => void; onMerge: (text: string) => void }

/** RemoteChange shows what somebody else wrote while this was being edited. */
export function RemoteChange({ base, live, text, onTake, onKeep, onMerge }: Props) {
  const [merging, setMerging] = useState(false)
  const history = useSchemaHistory()
  const v = history.data?.find((s) => s.revision === live?.revision)
  const when = v?.time ? ago(new Date(v.time), new Date(history.dataUpdatedAt)) : ''
  return (
    <Alert color="yellow" role="alert" variant="light" title={texts.common.conflict} mb="sm" className="app-no-shrink">
      <Text size="sm">{t.conflict(v?.actor || texts.workbench.history.nobody, when, v?.reason ?? '')}</Text>
      <Text size="sm" fw={600} mt="xs">{t.conflictTheirs}</Text>
      <Diff from={base?.revision ?? '0'} to={live?.revision ?? ''} />
      <Group mt="xs">
        <Button size="xs" onClick={() => setMerging(true)}>{t.merge.begin}</Button>
        <Button size="xs" variant="default" onClick={onTake}>{t.takeTheirs}</Button>
        <Button size="xs" variant="default" onClick={onKeep}>{t.keepMine}</Button>
      </Group>
      {merging && <Merge key={live?.revision} base={base?.text ?? ''} theirs={live?.text ?? ''} mine={text} onMerge={onMerge} onClose={() => setMerging(false)} />}
    </Alert>
  )
}
