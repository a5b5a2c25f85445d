import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { takeBackup } from '../../api/backups'
import { Dialog } from '../../components/Dialog'
import { Failure } from '../../components/Failure'
import { texts } from '../../lib/texts'
import { useStream } from './useStream'

const t = texts.operations.backups

/** Take makes a backup and shows how far it is; leaving stops it. */
export function Take({ onClose }: { onClose: () => void }) {
  const client = useQueryClient()
  const { last, done, error } = useStream(takeBackup, () => void client.invalidateQueries({ queryKey: ['backups'] }))
  return (
    <Dialog opened onClose={onClose} title={t.take}>
      <Stack>
        {!done && <Text role="status">{t.taking(Number(last?.relationships ?? 0), Number(last?.documents ?? 0))}</Text>}
        {error !== undefined && <Failure error={error} what={t.take} />}
        {done && error === undefined && <Alert color="green" role="status" title={t.taken}><span className="app-mono">{last?.backup?.name}</span></Alert>}
        <Group justify="flex-end"><Button variant="default" data-autofocus onClick={onClose}>{done ? texts.common.close : texts.common.stop}</Button></Group>
      </Stack>
    </Dialog>
  )
}
