import { useEffect, useMemo, useRef, useState } from 'react'
import { Alert, Button, FileButton, List, Progress, SegmentedControl, Text, Textarea } from '@mantine/core'
import { update, useWrite } from '../../api/relationships'
import { announce } from '../../components/Announcer'
import { DialogForm } from '../../components/DialogForm'
import { Partial } from '../../components/Outcome'
import { count } from '../../lib/format'
import { importAll, readLines, type Fault } from '../../lib/importer'
import { texts } from '../../lib/texts'

const t = texts.relationships
const batch = 200
const shown = 10

/** Import writes relationships from a file or a text, and keeps what is refused. */
export function Import({ onDone }: { onDone: () => void }) {
  const write = useWrite()
  const [text, setText] = useState('')
  const [mode, setMode] = useState<'touch' | 'create'>('touch')
  const [running, setRunning] = useState(false)
  const [done, setDone] = useState(0)
  const [result, setResult] = useState<{ done: number; failed: Fault[] }>()
  const stop = useRef<AbortController>(null)
  const { lines, faults } = useMemo(() => readLines(text), [text])
  useEffect(() => () => stop.current?.abort(), []) // nobody looks any more
  const run = async () => {
    stop.current = new AbortController()
    setRunning(true)
    setResult(undefined)
    const r = await importAll(lines, batch, (some) => write.mutateAsync({ updates: some.map((l) => update(mode, l.relationship)) }), setDone, stop.current.signal)
    setResult({ done: r.done, failed: [...r.failed, ...faults] })
    setRunning(false)
    announce(t.imported(count(r.done), count(lines.length)))
  }
  return (
    <DialogForm onSubmit={() => void run()} onCancel={() => (running ? stop.current?.abort() : onDone())} cancel={running ? texts.common.stop : texts.common.close}
      action={t.importRun(count(lines.length))} dirty={text.trim() !== '' && !result} busy={running} ready={lines.length > 0}>
      <Text size="sm" c="dimmed">{t.importHint}</Text>
      <FileButton onChange={(f) => { if (f) void f.text().then(setText) }} accept=".txt,.zed,text/plain">
        {(props) => <Button {...props} variant="default" w="fit-content">{t.importFile}</Button>}
      </FileButton>
      <Textarea label={t.importText} value={text} onChange={(e) => { setText(e.currentTarget.value); setResult(undefined) }} rows={8} classNames={{ input: 'app-mono' }} spellCheck={false} data-autofocus />
      <SegmentedControl aria-label={t.importMode} value={mode} onChange={(v) => setMode(v as 'touch' | 'create')} data={[{ value: 'touch', label: t.importReplace }, { value: 'create', label: t.importKeep }]} orientation="vertical" fullWidth classNames={{ label: 'app-wrap' }} />
      {faults.length > 0 && !result && (
        <Alert color="yellow" title={t.importFaults(count(faults.length))}>
          <List size="sm">{faults.slice(0, shown).map((f) => <List.Item key={f.item}><span className="app-mono">{f.item}</span>: {f.reason}</List.Item>)}</List>
        </Alert>
      )}
      {running && <div><Progress value={(100 * done) / Math.max(lines.length, 1)} aria-label={t.import} /><Text size="sm" mt={4}>{t.imported(count(done), count(lines.length))}</Text></div>}
      {result && (result.failed.length > 0 ? <Partial done={result.done} failed={result.failed} name="refused.tsv" /> : <Alert color="green" title={t.importDone(count(result.done))} role="status" />)}
    </DialogForm>
  )
}
