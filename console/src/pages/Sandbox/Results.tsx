import { useState } from 'react'
import { Alert, Badge, Button, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { checkSandbox } from '../../api/sandbox'
import type { RunSandboxResponseJson, SandboxProblemJson, SandboxResultJson } from '../../api/gen/pemba/console/v1/sandbox_pb'
import { AnswerLine } from '../../components/Explanation/AnswerLine'
import { Explanation, type View } from '../../components/Explanation'
import { Dialog } from '../../components/Dialog'
import { Empty } from '../../components/Empty'
import { Failure } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { count, list, plural } from '../../lib/format'
import { texts } from '../../lib/texts'
import type { Files } from '../../schema/sandboxExample'
import { Problems } from '../Schema/Problems'

const t = texts.sandbox

/** Results is what became of the assertions and expected relations of files; old is whether one was changed since. */
export function Results({ files, run, old, busy, onGo }: { files: Files; run: RunSandboxResponseJson | undefined; old: boolean; busy: boolean; onGo: (p: SandboxProblemJson) => void }) {
  const [asked, setAsked] = useState<string>()
  if (busy) return <Loading rows={4} label={t.running} />
  if (!run) return <Empty kind="nothing" title={t.never}>{t.neverHint}</Empty>
  const problems = run.problems ?? []
  const results = run.results ?? []
  const broken = problems.some((p) => p.problem?.severity === 'SEVERITY_ERROR')
  return (
    <Stack gap="xs">
      <div role="status">{old && <Alert color="yellow" variant="light" title={t.old} />}</div>
      {problems.length > 0 && (
        <section aria-labelledby="sandbox-problems">
          <Title order={2} size="h5" id="sandbox-problems">{t.problems}</Title>
          <Problems problems={problems.flatMap((p) => (p.problem ? [p.problem] : []))} onGo={(q) => { const p = problems.find((x) => x.problem === q); if (p) onGo(p) }} />
        </section>
      )}
      <section aria-labelledby="sandbox-results">
        <Group justify="space-between">
          <Title order={2} size="h5" id="sandbox-results">{t.results}</Title>
          <Text size="sm" role="status">{broken ? t.notRun : results.length === 0 ? t.none : t.counts(count(run.passed ?? 0), count(run.failed ?? 0))}</Text>
        </Group>
        <ul className="app-rail-list">{results.map((r, i) => <Result key={i} result={r} onAsk={setAsked} />)}</ul>
      </section>
      <Dialog opened={asked !== undefined} onClose={() => setAsked(undefined)} title={t.explained(asked ?? '')} size="xl">
        {asked !== undefined && <Explained files={files} text={asked} />}
      </Dialog>
    </Stack>
  )
}

function Result({ result: r, onAsk }: { result: SandboxResultJson; onAsk: (text: string) => void }) {
  const words = texts.explanation.words
  const answer = r.missing?.length ? texts.lookup.conditional(list(r.missing)) : words[r.answer ?? 'ANSWER_UNSPECIFIED']
  const assertion = r.file === 'SANDBOX_FILE_ASSERTIONS'
  const answered = (r.answer ?? 'ANSWER_UNSPECIFIED') !== 'ANSWER_UNSPECIFIED'
  return (
    <li className="app-change">
      <Group gap="xs" wrap="nowrap" align="baseline">
        <Badge variant="light" color={r.passed ? 'green' : 'red'} className="app-step-mark">{r.passed ? `✓ ${t.holds}` : `✕ ${t.fails}`}</Badge>
        <Text size="sm" className="app-mono app-grow">{r.text}</Text>
        <Text size="xs" c="dimmed" className="app-nowrap">{t.micros(count(r.micros ?? 0))}</Text>
        {assertion && answered && <Button size="compact-xs" variant="default" aria-label={t.explained(r.text ?? '')} onClick={() => onAsk(r.text ?? '')}>{t.why}</Button>}
      </Group>
      {!r.passed && assertion && <Text size="sm">{answered ? t.answer(words[r.expected ?? 'ANSWER_UNSPECIFIED'], answer) : r.failure}</Text>}
      {!r.passed && !assertion && (
        <>
          {r.failure && <Text size="sm">{r.failure}</Text>}
          <Lines title={t.absent} lines={r.absent ?? []} />
          <Lines title={t.surplus} lines={r.surplus ?? []} />
          {(r.moreLines ?? 0) > 0 && <Text size="sm">{t.moreLines(plural(r.moreLines ?? 0, 'line'))}</Text>}
        </>
      )}
    </li>
  )
}

function Lines({ title, lines }: { title: string; lines: string[] }) {
  if (lines.length === 0) return null
  return <div><Text size="sm" fw={600}>{title}</Text>{lines.map((l) => <Text key={l} size="sm" className="app-mono">{l}</Text>)}</div>
}

function Explained({ files, text }: { files: Files; text: string }) {
  const [view, setView] = useState<View>('tree')
  const check = useQuery({ queryKey: ['sandbox', files, text], queryFn: ({ signal }) => checkSandbox(files, text, signal) })
  if (check.isPending) return <Loading rows={4} />
  if (check.isError) return <Failure error={check.error} what={t.failed} retry={check.refetch} />
  const answer = check.data.explanation
  if (!answer) return <Problems problems={(check.data.problems ?? []).flatMap((p) => (p.problem ? [p.problem] : []))} onGo={() => undefined} />
  return <Stack><AnswerLine answer={answer} /><Explanation answer={answer} view={view} onView={setView} live={false} /></Stack>
}
