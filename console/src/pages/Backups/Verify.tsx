import { Alert, Button, Group, List, Stack, Text } from '@mantine/core'
import { verifyBackup } from '../../api/backups'
import { Coded } from '../../components/Coded'
import { Dialog } from '../../components/Dialog'
import { Failure } from '../../components/Failure'
import { texts } from '../../lib/texts'
import { useStream } from './useStream'

const t = texts.operations.backups

/** Verify reads a backup to its end and says whether a store would take it. */
export function Verify({ name, onClose }: { name: string; onClose: () => void }) {
  const { last, done, error } = useStream((signal) => verifyBackup(name, signal))
  const faults = last?.faults ?? []
  return (
    <Dialog opened onClose={onClose} title={`${t.verify}: ${name}`}>
      <Stack>
        <Text role="status">{t.verifying(Number(last?.relationships ?? 0))}</Text>
        {error !== undefined && <Failure error={error} what={t.verify} />}
        {done && error === undefined && (faults.length === 0
          ? <Alert color="green" title={t.good} />
          : <Alert color="red" title={t.bad}><List size="sm">{faults.map((f) => <List.Item key={f}><Coded>{f}</Coded></List.Item>)}</List></Alert>)}
        <Group justify="flex-end"><Button variant="default" data-autofocus onClick={onClose}>{done ? texts.common.close : texts.common.stop}</Button></Group>
      </Stack>
    </Dialog>
  )
}
