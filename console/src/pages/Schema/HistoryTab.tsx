import { useState } from 'react'
import { Button, Group, Table, Text } from '@mantine/core'
import type { SchemaVersionJson } from '../../api/gen/pemba/console/v1/schema_tools_pb'
import { useSchemaDiff, useSchemaHistory, useSchemaText } from '../../api/schemaTools'
import { Dialog } from '../../components/Dialog'
import { Failure } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { ScrollBox } from '../../components/ScrollBox'
import { ago, count, moment } from '../../lib/format'
import { texts } from '../../lib/texts'
import { Changes } from './Changes'

const t = texts.schema
type Chosen = { kind: 'diff' | 'text'; version: SchemaVersionJson; before: string }

/** HistoryTab lists the schemas that were written, who wrote them and why. */
export function HistoryTab() {
  const history = useSchemaHistory()
  const [chosen, setChosen] = useState<Chosen>()
  if (history.isPending) return <Loading rows={3} />
  if (history.isError) return <Failure error={history.error} what={t.tabs.history} retry={history.refetch} />
  const all = history.data
  const now = new Date(history.dataUpdatedAt)
  return (
    <ScrollBox label={t.tabs.history}>
      <Table verticalSpacing={6}>
        <Table.Thead><Table.Tr>{t.historyColumns.map((c) => <Table.Th key={c} scope="col">{c || <span className="app-hidden">{texts.common.actions}</span>}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>
          {all.map((v, i) => (
            <Table.Tr key={v.revision}>
              <Table.Td>{v.time ? <time dateTime={v.time} title={moment(new Date(v.time))}>{ago(new Date(v.time), now)}</time> : t.historyOld}</Table.Td>
              <Table.Td>{v.recorded ? v.actor || texts.workbench.history.nobody : t.historyOld}</Table.Td>
              <Table.Td>{v.reason}</Table.Td>
              <Table.Td>{count(v.revision ?? 0)}</Table.Td>
              <Table.Td>
                <Group gap="xs" wrap="nowrap">
                  {/* the one before the last is read first */}<Button size="compact-xs" variant="default" disabled={i === all.length - 1 && history.hasNextPage} onClick={() => setChosen({ kind: 'diff', version: v, before: all[i + 1]?.revision ?? '0' })} aria-label={`${t.historyDiff}, ${v.revision}`}>{t.historyDiff}</Button>
                  <Button size="compact-xs" variant="default" onClick={() => setChosen({ kind: 'text', version: v, before: '' })} aria-label={`${t.historyShow}, ${v.revision}`}>{t.historyShow}</Button>
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {history.hasNextPage && <Button size="compact-sm" variant="default" m="xs" loading={history.isFetchingNextPage} onClick={() => void history.fetchNextPage()}>{texts.workbench.history.more}</Button>}
      <Dialog opened={chosen !== undefined} onClose={() => setChosen(undefined)} title={chosen?.kind === 'text' ? t.textOf(count(chosen.version.revision ?? 0)) : t.diffOf(count(chosen?.version.revision ?? 0))} size="xl">
        {chosen?.kind === 'diff' && <Diff from={chosen.before} to={chosen.version.revision ?? ''} />}
        {chosen?.kind === 'text' && <SchemaText revision={chosen.version.revision ?? ''} />}
      </Dialog>
    </ScrollBox>
  )
}

export function Diff({ from, to }: { from: string; to: string }) {
  const diff = useSchemaDiff(from, to)
  if (diff.isPending) return <Loading rows={3} />
  if (diff.isError) return <Failure error={diff.error} what={t.historyDiff} retry={diff.refetch} />
  const changes = diff.data.changes ?? []
  return changes.length === 0 ? <Text size="sm">{t.unchanged}</Text> : <Changes changes={changes} />
}

function SchemaText({ revision }: { revision: string }) {
  const text = useSchemaText(revision)
  if (text.isPending) return <Loading rows={6} />
  if (text.isError) return <Failure error={text.error} what={t.historyShow} retry={text.refetch} />
  return <ScrollBox label={t.editor}><pre className="app-pre">{text.data.schemaText}</pre></ScrollBox>
}
