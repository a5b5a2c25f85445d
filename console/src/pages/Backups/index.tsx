import { useState } from 'react'
import { Alert, Badge, Card, Code, Stack, Text, Title } from '@mantine/core'
import { useBackups } from '../../api/backups'
import type { BackupJson, ListBackupsResponseJson } from '../../api/gen/pemba/console/v1/backups_pb'
import { atLeast, useMe } from '../../api/me'
import { Coded } from '../../components/Coded'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Page } from '../../components/Page'
import { bytes, count, seconds, span } from '../../lib/format'
import { texts } from '../../lib/texts'
import { Ago } from '../../components/When'
import { WriteButton } from '../../components/WriteButton'
import { Take } from './Take'
import { Verify } from './Verify'

const t = texts.operations.backups

const columns = (now: Date): Column<BackupJson>[] => [
  { id: 'name', header: t.columns.name, width: 'minmax(200px, 2fr)', cell: (b) => <span className="app-mono">{b.name}</span> },
  { id: 'time', header: t.columns.time, width: 'minmax(140px, 1fr)', cell: (b) => (b.time ? <Ago at={b.time} now={now} /> : '') },
  { id: 'size', header: t.columns.size, cell: (b) => bytes(b.bytes ?? 0) },
  { id: 'revision', header: t.columns.revision, cell: (b) => b.revision },
  { id: 'state', header: t.columns.state, width: 'minmax(120px, 1fr)', cell: (b) => <Badge variant="light" color={b.fault || b.suspect ? 'red' : 'green'} title={b.fault ?? ''}>{b.fault || (b.suspect ? t.suspect : t.whole)}</Badge> },
]

/** Backups lists, takes and verifies backups on the node that serves the page. */
export function Backups() {
  const backups = useBackups()
  const [taking, setTaking] = useState(false)
  const [verifying, setVerifying] = useState<string>()
  const mayTake = atLeast(useMe().operations, 'admin')
  const list = backups.data
  const whole = list?.backups?.find((b) => !b.fault && !b.suspect)?.name
  return (
    <Page title={texts.operations.pages.backups} about={list?.directory ? <>{t.about} <Code>{list.directory}</Code></> : t.about}
      actions={mayTake && list && !list.off && <WriteButton onClick={() => setTaking(true)}>{t.take}</WriteButton>}>
      <Stack>
        {backups.isPending && <Loading />}
        {backups.isError && <Refused error={backups.error} what={t.reading} permission={texts.operations.permission} retry={backups.refetch} />}
        {list?.off && <Empty kind="nothing" title={t.offTitle}>{list.off}</Empty>}
        {list && !list.off && (
          <>
            {(list.backups ?? []).length === 0
              ? <Empty kind="nothing" title={t.none}><Coded>{t.noneHint}</Coded></Empty>
              : <DataTable<BackupJson> label={t.label} rows={list.backups ?? []} columns={columns(new Date(backups.dataUpdatedAt))} rowKey={(b) => b.name ?? ''} rowName={(b) => b.name ?? ''} onOpen={(b) => setVerifying(b.name)} actions={(b) => [{ label: t.verify, onClick: () => setVerifying(b.name) }]} />}
            {(list.moreBackups ?? 0) > 0 && <Text size="sm" c="dimmed">{t.more(count(list.moreBackups ?? 0))}</Text>}
            <Schedule list={list} now={new Date(backups.dataUpdatedAt)} />
            <Card withBorder>
              <Title order={2} size="h5">{t.restore}</Title>
              <Text size="sm" mb="xs">{t.restoreHint}</Text>
              <Code block tabIndex={0}>{t.restoreCommand(whole ? `${list.directory ?? ''}/${whole}` : 'FILE')}</Code>
              <Text size="sm" c="dimmed" mt="xs">{list.encrypted ? t.encrypted : t.notEncrypted}</Text>
            </Card>
          </>
        )}
      </Stack>
      {taking && <Take onClose={() => setTaking(false)} />}
      {verifying !== undefined && <Verify name={verifying} onClose={() => setVerifying(undefined)} />}
    </Page>
  )
}

function Schedule({ list, now }: { list: ListBackupsResponseJson; now: Date }) {
  const s = list.schedule
  return (
    <Card withBorder>
      <Title order={2} size="h5">{t.schedule}</Title>
      {!s && <Text size="sm"><Coded>{t.scheduleNone}</Coded></Text>}
      {s && (
        <>
          <Text size="sm">{t.every(span(seconds(s.every) ?? 0), s.keep ?? 0)} {s.lastRun && <>{t.last} <Ago at={s.lastRun} now={now} />.</>} {s.nextRun && <>{t.next} <Ago at={s.nextRun} now={now} />.</>}</Text>
          {s.overdue && <Alert color="red" variant="light" title={t.overdue} mt="xs" />}
          {s.lastError && <Alert color="red" variant="light" title={s.lastError} mt="xs" />}
        </>
      )}
    </Card>
  )
}
