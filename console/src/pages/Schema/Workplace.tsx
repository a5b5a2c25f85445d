import { useMemo, useRef, useState } from 'react'
import { Badge, Button, Group, Paper, Switch, Tabs, Text, Textarea } from '@mantine/core'
import { useDiagnosis, type Live } from '../../api/schemaTools'
import { atLeast, useMe } from '../../api/me'
import type { ProblemJson } from '../../api/gen/pemba/console/v1/common_pb'
import { Confirm } from '../../components/Confirm'
import { Failure } from '../../components/Failure'
import { Leaving } from '../../components/Leaving'
import { Page } from '../../components/Page'
import { WriteButton } from '../../components/WriteButton'
import { plural } from '../../lib/format'
import { texts } from '../../lib/texts'
import { Editor, type Handle } from '../../schema/Editor'
import { schemaSupport } from '../../schema/language'
import { AssertionsTab } from './AssertionsTab'
import { HistoryTab } from './HistoryTab'
import { Inspector } from './Inspector'
import { Outline } from './Outline'
import { Problems } from './Problems'
import { RemoteChange } from './RemoteChange'
import { Review } from './Review'
import { WriteDialog } from './WriteDialog'
import { symbolAt } from './symbols'
import { useDraft } from './useDraft'
import { usePlaces } from './usePlaces'

const t = texts.schema
type Tab = 'problems' | 'review' | 'assertions' | 'history'

/** Workplace is the editor with what stands around it: outline, inspector, and the panels below. */
export function Workplace({ live, begun }: { live: Live; begun: string | undefined }) {
  const draft = useDraft(live, begun)
  const diagnosis = useDiagnosis(draft.settled)
  const places = usePlaces()
  const editor = useRef<Handle>(null)
  const [cursor, setCursor] = useState(0)
  const [pinned, setPinned] = useState<number>()
  const [tab, setTab] = useState<Tab>('problems')
  const [plain, setPlain] = useState(false)
  const [writing, setWriting] = useState(false)
  const [discarding, setDiscarding] = useState(false)
  const mayWrite = atLeast(useMe().workbench, 'admin')
  const symbols = diagnosis.data?.symbols ?? []
  const problems = useMemo(() => diagnosis.data?.problems ?? [], [diagnosis.data])
  const fresh = draft.settled === draft.text && diagnosis.isSuccess && !diagnosis.isPlaceholderData // it is of this text
  const sound = problems.every((p) => p.severity !== 'SEVERITY_ERROR') && fresh
  const symbol = symbolAt(symbols, pinned ?? cursor)
  const marks = useMemo(() => problems.map((p) => ({ from: p.range?.from ?? 0, to: Math.max(p.range?.to ?? 0, p.range?.from ?? 0), severity: p.severity === 'SEVERITY_ERROR' ? ('error' as const) : ('warning' as const), message: p.message ?? '' })), [problems])
  const go = (from: number, to?: number) => {
    places.leave(cursor)
    editor.current?.goTo(from, to)
  }
  const step = (to: number | undefined) => { if (to !== undefined) editor.current?.goTo(to) }
  const fix = (p: ProblemJson) => {
    const { from = 0, to = 0 } = p.range ?? {}
    draft.replace(draft.text.slice(0, from) + (p.suggestion ?? '') + draft.text.slice(to))
  }
  const whyNot = !draft.dirty ? t.nothingToWrite : !sound ? t.writeFirst : ''
  return (
    <Page title={texts.workbench.pages.schema} about={t.about} fill actions={
      <>
        {draft.dirty && <Badge variant="light" color="yellow" size="lg">{t.unsaved}</Badge>}
        {draft.dirty && <Button variant="default" onClick={() => setDiscarding(true)}>{t.discard}</Button>}
        <Button variant="default" onClick={() => setTab('review')} disabled={!draft.dirty}>{t.review}</Button>
        {mayWrite && <WriteButton onClick={() => setWriting(true)} {...(whyNot ? { reason: whyNot } : {})}>{t.write}</WriteButton>}
      </>
    }>
      {draft.conflict && <RemoteChange base={draft.base} live={live} text={draft.text} onTake={draft.takeTheirs} onKeep={draft.keepMine} onMerge={draft.merged} />}
      <Group justify="space-between" mb={6} gap="xs">
        <Text size="xs" c="dimmed" className="app-grow">{t.editorHelp}</Text>
        <Group gap="xs">
          <Button size="compact-xs" variant="default" disabled={!places.canBack} onClick={() => step(places.back(cursor))}>{t.back}</Button>
          <Button size="compact-xs" variant="default" disabled={!places.canForward} onClick={() => step(places.forward(cursor))}>{t.forward}</Button>
          <Button size="compact-xs" variant="default" disabled={!fresh || !diagnosis.data.formatted || diagnosis.data.formatted === draft.text} onClick={() => draft.replace(diagnosis.data?.formatted ?? draft.text)}>{t.format}</Button>
          <Switch size="xs" label={t.plain} checked={plain} onChange={(e) => setPlain(e.currentTarget.checked)} />
        </Group>
      </Group>
      <div className="app-schema">
        <Outline symbols={symbols} current={symbol} onChoose={(s) => go(s.nameRange?.from ?? 0, s.nameRange?.to)} />
        <Paper withBorder className="app-schema-editor">
          {plain
            ? <Textarea aria-label={t.editor} value={draft.text} onChange={(e) => draft.setText(e.currentTarget.value)} classNames={{ root: 'app-plain', wrapper: 'app-plain', input: 'app-plain app-mono' }} spellCheck={false} />
            : <Editor key={draft.round} ref={editor} label={t.editor} value={draft.text} onChange={draft.setText} diagnostics={marks} extensions={[schemaSupport()]} onCursor={setCursor}
                onDefinition={(at) => { const s = symbolAt(symbols, at); if (s?.nameRange) go(s.nameRange.from ?? 0, s.nameRange.to) }} onBack={() => step(places.back(cursor))} />}
        </Paper>
        <Inspector symbol={symbol} symbols={symbols} pinned={pinned !== undefined} onPin={(pin) => setPinned(pin ? cursor : undefined)} onGo={go} />
      </div>
      <Tabs value={tab} onChange={(v) => setTab((v ?? 'problems') as Tab)} keepMounted={false} className="app-schema-below">
        <Tabs.List aria-label={t.tabs.label}>
          <Tabs.Tab value="problems">{t.tabs.problems} {problems.length > 0 && <Badge size="xs" variant="light" color={sound ? 'yellow' : 'red'}>{problems.length}</Badge>}</Tabs.Tab>
          <Tabs.Tab value="review">{t.tabs.review}</Tabs.Tab>
          <Tabs.Tab value="assertions">{t.tabs.assertions}</Tabs.Tab>
          <Tabs.Tab value="history">{t.tabs.history}</Tabs.Tab>
        </Tabs.List>
        {/* What scrolls must be reached by keyboard. */}
        {/* eslint-disable-next-line jsx-a11y-x/no-noninteractive-tabindex */}
        <div className="app-schema-panel" role="region" aria-label={t.tabs.label} tabIndex={0}>
          <Tabs.Panel value="problems">
            <div role="status" className="app-hidden">{plural(problems.length, 'problem')}</div>
            {diagnosis.isError ? <Failure error={diagnosis.error} what={t.checkFailed} retry={diagnosis.refetch} /> : <Problems problems={problems} onGo={(p) => go(p.range?.from ?? 0, p.range?.to)} {...(fresh ? { onFix: fix } : {})} />}
          </Tabs.Panel>
          <Tabs.Panel value="review"><Review text={draft.settled} sound={sound} /></Tabs.Panel>
          <Tabs.Panel value="assertions"><AssertionsTab /></Tabs.Panel>
          <Tabs.Panel value="history"><HistoryTab /></Tabs.Panel>
        </div>
      </Tabs>
      {writing && <WriteDialog text={draft.text} base={draft.base} onClose={() => setWriting(false)} />}
      <Confirm opened={discarding} onClose={() => setDiscarding(false)} title={t.discard} action={t.discard} stored={false} onConfirm={() => { draft.discard(); return Promise.resolve() }}>{t.discardEffect}</Confirm>
      <Leaving dirty={draft.dirty && begun !== draft.text} />
    </Page>
  )
}
