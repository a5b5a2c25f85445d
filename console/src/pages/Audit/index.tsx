import { useState } from 'react'
import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { get } from '../../api/client'
import { isRefused } from '../../api/errors'
import type { AuditRecordJson, ExportAuditRecordsResponseJson, ListAuditRecordsResponseJson, VerifyAuditResponseJson } from '../../api/gen/pemba/portal/v1/audit_pb'
import { save } from '../../api/portal/exports'
import { path, usePaged } from '../../api/portal/lists'
import { saved } from '../../components/Announcer'
import { DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failure, Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Page } from '../../components/Page'
import { actorOf, recordColumns } from '../../components/portal/recordColumns'
import { Record } from '../../components/portal/Record'
import { When } from '../../components/When'
import { count } from '../../lib/format'
import { texts } from '../../lib/texts'
import { params, readAudit } from './filter'
import { Filters } from './Filters'

const t = texts.company.audit
const route = getRouteApi('/shell/audit')

const retention = (a: ListAuditRecordsResponseJson | undefined) =>
  a && <>{a.retentionDays ? t.kept(count(a.retentionDays)) : t.keptForever} {a.retainedSince && <>{t.oldest} <When at={a.retainedSince} />.</>}</>

/** Audit is the log of who did what to whom, when, from where, and why it was allowed. */
export function Audit() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const [cleared, setCleared] = useState(0) // fields that keep what was typed begin again
  const asked = params(search)
  const all = usePaged(path('audit'), asked, (a: ListAuditRecordsResponseJson) => a.records)
  const set = (change: { [name: string]: string | null }) => void navigate({ search: (was) => readAudit({ ...was, ...change }), replace: true })
  const open = (r: AuditRecordJson) => void navigate({ search: (was) => readAudit({ ...was, record: r.number }) })
  const clear = () => void navigate({ search: {}, replace: true }).then(() => setCleared((n) => n + 1))
  const filtered = Object.keys(asked).length > 0
  return (
    <Page title={texts.company.pages.audit} about={<>{t.about} {retention(all.first)}</>} actions={!isRefused(all.error) && <Tools asked={asked} />}>
      <Stack gap="sm">
        {!isRefused(all.error) && <Filters key={cleared} value={search} onChange={set} />}
        {all.isPending && <Loading rows={10} height={44} />}
        {all.isError && <Refused error={all.error} what={t.readingLog} permission="read_audit" retry={all.refetch} />}
        {all.isSuccess && all.rows.length === 0 && (filtered
          ? <Empty kind="noMatch" title={t.noMatch} action={<Button variant="default" onClick={clear}>{texts.common.clear}</Button>}>{all.first?.excluding && t.excluding(all.first.excluding)}</Empty>
          : <Empty kind="nothing" title={t.nothing} />)}
        {all.rows.length > 0 && (
          <DataTable label={texts.company.pages.audit} columns={recordColumns} rows={all.rows} rowKey={(r) => r.number ?? ''} rowName={(r) => `${actorOf(r)}: ${r.sentence ?? ''}`}
            total={all.total} hasMore={all.hasNextPage} loadingMore={all.isFetchingNextPage} onMore={all.more} onOpen={open} actions={(r) => [{ label: t.open, onClick: () => open(r) }]} />
        )}
      </Stack>
      <Record number={search.record} onClose={() => set({ record: null })} />
    </Page>
  )
}

function Tools({ asked }: { asked: ReturnType<typeof params> }) {
  const write = useMutation({
    mutationFn: (format: 'csv' | 'ndjson') => save<ExportAuditRecordsResponseJson>('/portal/v1/audit:export', { ...asked, format }, (m) => m.text, `audit.${format}`, format === 'csv' ? 'text/csv' : 'application/x-ndjson'),
    onSuccess: (_, format) => saved(t.exported(`audit.${format}`)),
  })
  const verify = useMutation({ mutationFn: () => get<VerifyAuditResponseJson>('/portal/v1/audit:verify') })
  const v = verify.data
  return (
    <Stack gap="xs" align="flex-end">
      <Group gap="xs">
        <Button variant="default" loading={verify.isPending} onClick={() => verify.mutate()}>{t.verify}</Button>
        <Button variant="default" loading={write.isPending && write.variables === 'csv'} onClick={() => write.mutate('csv')}>{t.csv}</Button>
        <Button variant="default" loading={write.isPending && write.variables === 'ndjson'} onClick={() => write.mutate('ndjson')}>{t.ndjson}</Button>
      </Group>
      {v && <Alert color={v.fault ? 'red' : 'green'} variant="light" role="status" py={6}><Text size="sm">{v.fault ? t.broken(v.faultAt ?? '', v.fault) : t.whole(count(v.records ?? 0))}</Text></Alert>}
      {verify.isError && <Failure error={verify.error} what={t.verify} />}
      {write.isError && <Failure error={write.error} what={t.exporting} />}
    </Stack>
  )
}
