import { useState } from 'react'
import { SegmentedControl, Stack } from '@mantine/core'
import type { AuditRecordJson, ListAuditRecordsResponseJson } from '../../api/gen/pemba/portal/v1/audit_pb'
import type { UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { path, usePaged } from '../../api/portal/lists'
import { DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Record } from '../../components/portal/Record'
import { recordColumns } from '../../components/portal/recordColumns'
import { texts } from '../../lib/texts'

const t = texts.company.person

/** Activity is what the audit log has by a person, and about him. */
export function Activity({ of: u }: { of: UserJson }) {
  const [side, setSide] = useState('by')
  const [open, setOpen] = useState<AuditRecordJson>()
  const all = usePaged(path('audit'), side === 'by' ? { actor: u.id } : { target: `user:${u.id}` }, (a: ListAuditRecordsResponseJson) => a.records)
  return (
    <Stack align="stretch">
      <SegmentedControl aria-label={t.activityOf} value={side} onChange={setSide} data={[{ value: 'by', label: t.whatHe }, { value: 'to', label: t.whatTo }]} style={{ alignSelf: 'flex-start' }} />
      {all.isPending && <Loading />}
      {all.isError && <Refused error={all.error} what={t.tabs.activity} permission="read_audit" retry={all.refetch} />}
      {all.isSuccess && all.rows.length === 0 && <Empty kind="nothing" title={t.activityNone} />}
      {all.rows.length > 0 && (
        <DataTable label={t.tabs.activity} columns={recordColumns} rows={all.rows} rowKey={(r) => r.number ?? ''} rowName={(r) => r.sentence ?? `${r.number}`}
          total={all.total} hasMore={all.hasNextPage} loadingMore={all.isFetchingNextPage} onMore={all.more} onOpen={setOpen} actions={(r) => [{ label: texts.company.audit.open, onClick: () => setOpen(r) }]} />
      )}
      <Record number={open?.number} onClose={() => setOpen(undefined)} />
    </Stack>
  )
}
