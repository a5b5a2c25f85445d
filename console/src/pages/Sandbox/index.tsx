import { useMemo, useRef, useState } from 'react'
import { Button, FileButton, Group, Paper, Tabs, Text } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { yaml } from '../../schema/yaml'
import { filesOf, useExportSandbox, useImportSandbox, useRunSandbox, useStartSandbox } from '../../api/sandbox'
import type { SandboxFileJson, SandboxProblemJson } from '../../api/gen/pemba/console/v1/sandbox_pb'
import { Confirm } from '../../components/Confirm'
import { Refused } from '../../components/Failure'
import { Leaving } from '../../components/Leaving'
import { Page } from '../../components/Page'
import { download } from '../../lib/download'
import { texts } from '../../lib/texts'
import { Editor, type Handle } from '../../schema/Editor'
import { schemaSupport } from '../../schema/language'
import { emptyFiles, exampleFiles, type Files } from '../../schema/sandboxExample'
import { Results } from './Results'

const route = getRouteApi('/shell/workbench/sandbox')
const t = texts.sandbox
type Key = keyof Files
const order: { key: Key; file: SandboxFileJson; label: string }[] = [
  { key: 'schemaText', file: 'SANDBOX_FILE_SCHEMA', label: t.files.schema },
  { key: 'relationships', file: 'SANDBOX_FILE_RELATIONSHIPS', label: t.files.relationships },
  { key: 'assertions', file: 'SANDBOX_FILE_ASSERTIONS', label: t.files.assertions },
  { key: 'expectedRelations', file: 'SANDBOX_FILE_EXPECTED_RELATIONS', label: t.files.expected },
]

const same = (a: Files, b: Files) => order.every(({ key }) => a[key] === b[key])

/** Sandbox tries a schema in the memory of the server. */
export function Sandbox() {
  const { new: clean } = route.useSearch()
  const [files, setFiles] = useState<Files>(clean ? emptyFiles : exampleFiles)
  const [tab, setTab] = useState<Key>('schemaText')
  const [kept, setKept] = useState(files) // as they were opened or saved
  const [entered, setEntered] = useState(files) // as they were when the editor came, or the marks in it
  const [round, setRound] = useState(0) // a new editor for each
  const [asking, setAsking] = useState<'live' | 'clear'>()
  const [opening, setOpening] = useState<File>()
  const editor = useRef<Handle>(null)
  const sameAgain = useRef<() => void>(null) // lets one choose a file twice
  const run = useRunSandbox()
  const start = useStartSandbox()
  const load = useImportSandbox()
  const save = useExportSandbox()
  const forget = () => { for (const one of [run, start, load, save]) one.reset() } // of an action before
  const again = () => {
    forget()
    setEntered(files)
    run.mutate(files)
  }
  const show = (key: Key) => {
    setEntered(files)
    setTab(key)
  }
  const replace = (part: Partial<Files>) => {
    setFiles((f) => ({ ...f, ...part }))
    setKept((f) => ({ ...f, ...part }))
    setRound((n) => n + 1)
    run.reset()
  }
  const open = async (file: File) => {
    forget()
    replace(filesOf((await load.mutateAsync(await file.text())).files))
  }
  const choose = (file: File | null) => {
    sameAgain.current?.()
    if (!file) return
    if (dirty) setOpening(file)
    else open(file).catch(() => undefined)
  }
  const store = async () => {
    forget()
    download(t.fileName, (await save.mutateAsync(files)).file ?? '', 'application/yaml')
    setKept(files)
  }
  const go = (p: SandboxProblemJson) => {
    const to = order.find((o) => o.file === p.file)
    if (to) show(to.key)
    // The editor of the other file stands there only after this.
    setTimeout(() => editor.current?.goTo(p.problem?.range?.from ?? 0, p.problem?.range?.to))
  }
  const dirty = !same(files, kept)
  const ran = run.variables ?? files
  const current = order.find((o) => o.key === tab)
  const fitting = entered[tab] === ran[tab] // else the places are those of another text
  const marks = useMemo(() => (run.data?.problems ?? []).filter((p) => fitting && p.file === current?.file && p.problem?.range).map(({ problem: p }) => ({
    from: p?.range?.from ?? 0, to: p?.range?.to ?? 0, severity: p?.severity === 'SEVERITY_ERROR' ? ('error' as const) : ('warning' as const), message: p?.message ?? '',
  })), [run.data, current, fitting])
  const failed = [{ of: run, what: t.run }, { of: start, what: t.live }, { of: load, what: t.open }, { of: save, what: t.save }].find((a) => a.of.isError)
  const count = (file: SandboxFileJson) => (run.data?.problems ?? []).filter((p) => p.file === file).length
  return (
    <Page title={texts.workbench.pages.sandbox} about={t.about} fill actions={
      <>
        <Button variant="default" onClick={() => setAsking('live')}>{t.live}</Button>
        <FileButton resetRef={sameAgain} onChange={choose} accept=".yaml,.yml">{(props) => <Button {...props} variant="default" loading={load.isPending}>{t.open}</Button>}</FileButton>
        <Button variant="default" onClick={() => { store().catch(() => undefined) }} loading={save.isPending}>{t.save}</Button>
        <Button variant="default" onClick={() => setAsking('clear')}>{t.clear}</Button>
        <Button onClick={again} loading={run.isPending}>{t.run}</Button>
      </>
    }>
      {/* Ctrl+Enter in the editors. */}
      <div className="app-sandbox" onKeyDownCapture={(e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); e.stopPropagation(); again() } }}>
        <Tabs value={tab} onChange={(v) => show((v ?? 'schemaText') as Key)} keepMounted={false} className="app-sandbox-files">
          <Tabs.List aria-label={t.filesLabel}>{order.map((o) => <Tabs.Tab key={o.key} value={o.key}>{o.label}{count(o.file) > 0 && ` (${count(o.file)})`}</Tabs.Tab>)}</Tabs.List>
          {order.map((o) => (
            <Tabs.Panel key={o.key} value={o.key} className="app-sandbox-panel">
              <Paper withBorder className="app-schema-editor app-fill">
                <Editor key={`${o.key} ${round}`} ref={editor} label={o.label} value={files[o.key]} onChange={(v) => setFiles((f) => ({ ...f, [o.key]: v }))} diagnostics={marks}
                  extensions={o.key === 'schemaText' ? [schemaSupport()] : o.key === 'relationships' ? [] : [yaml]} />
              </Paper>
            </Tabs.Panel>
          ))}
          <Group mt={4}><Text size="xs" c="dimmed">{t.help}</Text></Group>
        </Tabs>
        <div className="app-sandbox-results">
          {failed && <Refused error={failed.of.error} what={failed.what} permission={texts.workbench.permission} />}
          {!failed && <Results files={ran} run={run.data} old={!same(files, ran)} busy={run.isPending} onGo={go} />}
        </div>
      </div>
      <Confirm opened={asking === 'live'} onClose={() => setAsking(undefined)} title={t.live} action={t.live} danger={false} stored={false} onConfirm={async () => replace({ schemaText: filesOf((await start.mutateAsync()).files).schemaText })}>{t.liveEffect}</Confirm>
      <Confirm opened={asking === 'clear'} onClose={() => setAsking(undefined)} title={t.clear} action={t.clear} stored={false} onConfirm={() => { replace(emptyFiles); return Promise.resolve() }}>{t.clearEffect}</Confirm>
      <Confirm opened={opening !== undefined} onClose={() => setOpening(undefined)} title={t.open} action={t.open} stored={false} onConfirm={async () => { if (opening) await open(opening) }}>{t.openEffect}</Confirm>
      <Leaving dirty={dirty} />
    </Page>
  )
}
