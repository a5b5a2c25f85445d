import { useState } from 'react'
import { Badge, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { Page } from '../../components/Page'
import { parseFilter, type Filter } from '../../lib/filter'
import { clock, count } from '../../lib/format'
import { relationshipText } from '../../lib/relationship'
import { texts } from '../../lib/texts'
import { kept, useWatch, type Change } from './useWatch'

const route = getRouteApi('/shell/workbench/watch')
const t = texts.watch
const hues = { OPERATION_UNSPECIFIED: 'gray', OPERATION_CREATE: 'green', OPERATION_TOUCH: 'blue', OPERATION_DELETE: 'red' } as const

function read(text: string): { filter: Filter | undefined; fault: string } {
  try {
    return { filter: parseFilter(text), fault: '' }
  } catch (e) {
    return { filter: undefined, fault: e instanceof Error ? e.message : String(e) }
  }
}

const textOf = (c: Change): string => (c.update?.relationship ? relationshipText(c.update.relationship) : t.schema)

const columns: Column<Change>[] = [
  { id: 'time', header: t.columns.time, width: '120px', cell: (c) => <time dateTime={new Date(c.time).toISOString()}>{clock(new Date(c.time))}</time> },
  { id: 'operation', header: t.columns.operation, width: '110px', cell: (c) => (c.schema ? <Badge variant="light" color="violet">{t.columns.schema}</Badge> : <Badge variant="light" color={hues[c.update?.operation ?? 'OPERATION_UNSPECIFIED']}>{t.operations[c.update?.operation ?? 'OPERATION_UNSPECIFIED']}</Badge>) },
  { id: 'relationship', header: t.columns.relationship, width: 'minmax(240px, 1fr)', cell: (c) => <span className="app-mono">{textOf(c)}</span> },
]

/** Watch shows changes as they happen. */
export function Watch() {
  const { filter: text = '' } = route.useSearch()
  const navigate = route.useNavigate()
  const [draft, setDraft] = useState(text)
  const [paused, setPaused] = useState(false)
  const [round, setRound] = useState(0)
  const { filter, fault } = read(text)
  const tail = useWatch(filter, paused, round)
  return (
    <Page title={texts.workbench.pages.watch} about={t.about} fill>
      <Stack gap="sm" className="app-fill">
        <Group align="flex-start">
          <form className="app-grow" role="search" onSubmit={(e) => { e.preventDefault(); void navigate({ search: draft ? { filter: draft } : {} }) }}>
            <Group gap="xs" wrap="nowrap" align="flex-start">
              <TextInput className="app-grow" type="search" aria-label={t.filter} placeholder={t.filterHint} value={draft} onChange={(e) => setDraft(e.currentTarget.value)} classNames={{ input: 'app-mono' }} error={fault || undefined} />
              <Button type="submit" variant="default">{texts.relationships.apply}</Button>
            </Group>
          </form>
          <Button onClick={() => setPaused(!paused)} variant={paused ? 'filled' : 'default'}>{paused ? t.resume : t.pause}</Button>
          <Button variant="default" onClick={tail.clear}>{t.clear}</Button>
        </Group>
        <Text size="sm" c="dimmed">
          {paused && tail.waiting > 0 ? t.paused(count(tail.waiting)) : `${t.total(count(tail.total))} · ${t.rate(tail.rate.toFixed(1))}${tail.total > kept ? ' · ' + t.kept(count(kept)) : ''}`}
        </Text>
        {tail.error !== undefined && <Refused error={tail.error} what={t.failed} permission={texts.workbench.permission} retry={() => setRound(round + 1)} />}
        {tail.changes.length === 0 && tail.error === undefined && !fault && <Empty kind="nothing" title={t.waiting}>{t.waitingHint}</Empty>}
        {tail.changes.length > 0 && <DataTable<Change> label={t.label} rows={tail.changes} columns={columns} rowKey={(c) => String(c.id)} rowName={textOf} />}
      </Stack>
    </Page>
  )
}
