import { useState } from 'react'
import { Button, Group, SegmentedControl, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useLookup, type Lookup } from '../../api/lookup'
import { compare, type How } from '../../lib/how'
import { csv, download } from '../../lib/download'
import { count } from '../../lib/format'
import { faultsOfLookup } from '../../lib/faults'
import { texts } from '../../lib/texts'
import { AsOf } from '../AsOf'
import { DataTable } from '../DataTable'
import { Empty } from '../Empty'
import { Refused } from '../Failure'
import { Page } from '../Page'
import { columns, type Row } from './columns'
import { LookupForm, type Asked } from './LookupForm'
import { useHows } from './useHows'

const t = texts.lookup

/** LookupPage asks who can do something, or what somebody can do it with. */
export function LookupPage({ kind, asked, onAsk }: { kind: 'who' | 'what'; asked: Asked; onAsk: (a: Asked) => void }) {
  const words = t[kind]
  const navigate = useNavigate()
  const [full, setFull] = useState(false)
  const [round, setRound] = useState(0)
  const [only, setOnly] = useState('all')
  const complete = !!(asked.resource && asked.permission && asked.subject) && Object.keys(faultsOfLookup(kind, asked)).length === 0 // the form says what is wrong
  const first: Lookup | undefined = complete ? { kind, resource: asked.resource ?? '', permission: asked.permission ?? '', subject: asked.subject ?? '', full, ...(asked.context ? { context: asked.context } : {}), ...(asked.at ? { at: asked.at } : {}) } : undefined
  const second = first && (asked.vs || asked.vsAt) ? other(first, asked) : undefined
  const one = useLookup(first, round)
  const two = useLookup(second, round)
  const running = one.running || two.running
  const both = second && !running && !one.stopped && !two.stopped ? compare(one.rows.map((r) => r.id), two.rows.map((r) => r.id)) : undefined
  const found = new Map([...two.rows, ...one.rows].map((r) => [r.id, r]))
  const hows = useHows(first, running ? [] : one.rows.map((r) => r.id))
  const rows: Row[] = (both ? [...both.keys()] : one.rows.map((r) => r.id)).flatMap((id) => {
    const f = found.get(id)
    return f ? [{ ...f, how: hows.hows.get(id), compared: both?.get(id) }] : []
  }).filter((r) => only === 'all' || r.how === only || r.compared === only)
  const error = one.error ?? two.error
  const save = () => download(`${kind}-can.csv`, csv([[words.column, t.columns.answer, ...(both ? [t.columns.in] : [])], ...rows.map((r) => [r.id, r.conditional ? t.conditional(r.conditional.join(' ')) : t.granted, ...(r.compared ? [t.in[r.compared]] : [])])]), 'text/csv')
  const choices = both ? (['first', 'second', 'both'] as const).map((c) => ({ value: c as string, label: t.in[c] as string })) : hows.done ? (['direct', 'group', 'inherited', 'conditional'] as How[]).map((h) => ({ value: h as string, label: t.how[h] as string })) : []
  return (
    <Page title={words.title} about={words.about} fill>
      <Stack gap="sm" className="app-fill">
        <LookupForm kind={kind} initial={asked} busy={running} onAsk={(a) => { setOnly('all'); setRound((n) => n + 1); onAsk(a) }} />
        {!complete && <Empty kind="nothing" title={words.nothing}>{words.nothingHint}</Empty>}
        {error !== undefined && <Refused error={error} what={t.failed} permission={texts.workbench.permission} retry={() => setRound(round + 1)} />}
        {complete && error === undefined && (
          <Group justify="space-between">
            <Group gap="sm">
              <Text fw={600} role="status">{running ? t.running(count(one.rows.length + two.rows.length)) : one.stopped || two.stopped ? t.stopped(count(one.rows.length + two.rows.length)) : t.found(count(rows.length))}</Text>
              {running && <Button size="compact-sm" color="red" variant="light" onClick={() => { one.stop(); two.stop() }}>{texts.common.stop}</Button>}
              {!running && <AsOf token={one.token} time={one.time} busy={false} onRefresh={() => setRound(round + 1)} {...(asked.at ? {} : { full, onFull: setFull })} />}
            </Group>
            <Group gap="xs">
              {choices.length > 0 && <SegmentedControl size="xs" className="app-scroll-box" aria-label={t.filterHow} value={only} onChange={setOnly} data={[{ value: 'all', label: t.all }, ...choices]} />}
              {!running && !both && rows.length > 0 && !hows.done && <Button variant="default" size="compact-sm" loading={hows.busy} onClick={hows.start} title={t.showHowHint(hows.most)}>{t.showHow}</Button>}
              {rows.length > 0 && <Button variant="default" size="compact-sm" onClick={save}>{t.csv}</Button>}
            </Group>
          </Group>
        )}
        {complete && !running && error === undefined && one.rows.length + two.rows.length === 0 && <Empty kind="noMatch" title={words.none}>{words.noneHint}</Empty>}
        {rows.length > 0 && (
          <DataTable<Row> label={t.results} counted rows={rows} rowKey={(r) => r.id} rowName={(r) => r.id} columns={columns(words.column, { how: hows.done || hows.busy, compared: !!both })}
            onOpen={(r) => void navigate({ to: '/workbench/check', search: questionOf(kind, asked, r.id) })}
            actions={(r) => [
              { label: t.why, onClick: () => void navigate({ to: '/workbench/check', search: questionOf(kind, asked, r.id) }), ...(r.id.endsWith(':*') ? { reason: texts.workbench.wildcard } : {}) },
              { label: t.relationships, onClick: () => void navigate({ to: '/workbench/relationships', search: { filter: kind === 'who' ? '@' + r.id : r.id } }) },
            ]} />
        )}
      </Stack>
    </Page>
  )
}

function other(first: Lookup, asked: Asked): Lookup {
  const l: Lookup = { ...first, at: '', ...(asked.vsAt ? { at: asked.vsAt } : asked.at && asked.vs ? { at: asked.at } : {}) }
  if (!asked.vs) return l
  return first.kind === 'who' ? { ...l, resource: asked.vs } : { ...l, subject: asked.vs }
}

function questionOf(kind: 'who' | 'what', a: Asked, id: string) {
  const q = kind === 'who' ? { resource: a.resource ?? '', subject: id } : { resource: id, subject: a.subject ?? '' }
  return { ...q, permission: a.permission ?? '', ...(a.context ? { context: a.context } : {}), ...(a.at ? { at: a.at } : {}) }
}
