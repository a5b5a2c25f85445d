import { useEffect, useRef, useState } from 'react'
import { Alert, Button, Group, Progress, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { post } from '../../api/client'
import { may, useMe } from '../../api/me'
import type { ImportRowJson, ImportUsersResponseJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { announce } from '../../components/Announcer'
import { NotAllowed } from '../../components/Empty'
import { Failure } from '../../components/Failure'
import { ButtonLink, TextLink } from '../../components/links'
import { Partial } from '../../components/Outcome'
import { Page } from '../../components/Page'
import { WriteButton } from '../../components/WriteButton'
import { count } from '../../lib/format'
import { texts } from '../../lib/texts'
import { Choose } from './Choose'
import { cells, columns, guess, records, separator, type CsvRecord, type Mapping } from './csv'
import { MapColumns } from './MapColumns'
import { remember, remembered } from './remember'
import { Rows } from './Rows'
import { sendAll, tally, worth, wrong, type Options, type State } from './run'

const t = texts.company.import
const atOnce = 250 // rows in one call, so that it can be stopped

const send = (csv: string, o: Options, dryRun: boolean) => post<ImportUsersResponseJson>('/portal/v1/users:import', { csv, ...o, dryRun })

/** Import registers people by a file: choose, map, judge, run, report. */
export function Import() {
  const me = useMe()
  const client = useQueryClient()
  const [file, setFile] = useState<{ all: CsvRecord[]; text: string }>()
  const [options, setOptions] = useState<Options>()
  const [state, setState] = useState<State>()
  const stop = useRef<AbortController>(undefined)
  useEffect(() => () => stop.current?.abort(), [])
  const judge = useMutation({ mutationFn: (o: Options) => send(file?.text ?? '', o, true) })
  const run = useMutation({
    mutationFn: (o: Options) => {
      stop.current = new AbortController()
      return sendAll(worth(file?.all ?? [], judge.data?.rows ?? []), atOnce, (csv) => send(csv, o, false), setState, stop.current.signal)
    },
    onSuccess: (end) => announce(t.finished(count(tally(end.rows).created), count(tally(end.rows).changed))),
    onSettled: () => client.invalidateQueries({ queryKey: ['portal'] }),
  })
  const restart = () => {
    setFile(undefined)
    setOptions(undefined)
    setState(undefined)
    judge.reset()
    run.reset()
  }
  const step = state ? (state.finished || run.isError ? 5 : 4) : judge.data && options ? 3 : file ? 2 : 1
  return (
    <Page title={texts.company.pages.import} about={<TextLink to="/people">{texts.company.pages.people}</TextLink>}>
      {!may(me, 'create_user')
        ? <NotAllowed permission="create_user" />
        : (
          <Stack>
            <Title order={2} size="h4">{t.step(step, t.steps[step - 1] ?? '')}</Title>
            {step === 1 && <Choose onText={(text) => setFile({ text, all: records(text) })} />}
            {step === 2 && file && (
              <Mapped all={file.all} busy={judge.isPending} onBack={restart} onNext={(o) => { setOptions(o); judge.mutate(o) }} />
            )}
            {judge.isError && step === 2 && <Failure error={judge.error} what={t.judge} />}
            {step === 3 && options && <Judged answer={judge.data} onBack={() => { setOptions(undefined); judge.reset() }} onRun={() => run.mutate(options)} />}
            {step >= 4 && state && <Running state={state} wrong={wrong(judge.data?.rows ?? [])} onStop={() => stop.current?.abort()} error={run.error} />}
            {step === 5 && <Group><Button variant="default" onClick={restart}>{t.another}</Button><ButtonLink to="/people">{t.toPeople}</ButtonLink></Group>}
          </Stack>
        )}
    </Page>
  )
}

function Mapped({ all, busy, onBack, onNext }: { all: readonly CsvRecord[]; busy: boolean; onBack: () => void; onNext: (o: Options) => void }) {
  const by = separator(all[0]?.text ?? '')
  const head = cells(all[0]?.text ?? '', by).map((c) => c.trim())
  const next = (mapping: Mapping, update: boolean, invite: boolean) => {
    remember(mapping)
    onNext({ columns: columns(head, mapping), update, invite })
  }
  return <MapColumns head={head} sample={cells(all[1]?.text ?? '', by)} first={guess(head, remembered())} busy={busy} onBack={onBack} onNext={(c) => next(c.mapping, c.update, c.invite)} />
}

function Judged({ answer, onBack, onRun }: { answer: ImportUsersResponseJson | undefined; onBack: () => void; onRun: () => void }) {
  const rows = answer?.rows ?? []
  const n = tally(rows)
  const todo = n.created + n.changed
  return (
    <Stack>
      <Text role="status">{t.judged(count(n.created), count(n.changed), count(n.unchanged), count(n.failed))}</Text>
      <Rows rows={rows} done={false} />
      <Group justify="flex-end">
        <Button variant="default" onClick={onBack}>{t.back}</Button>
        <WriteButton onClick={onRun} {...(todo === 0 ? { reason: t.nothingToDo } : {})}>{t.run(count(todo))}</WriteButton>
      </Group>
    </Stack>
  )
}

function Running({ state, wrong: judged, onStop, error }: { state: State; wrong: readonly ImportRowJson[]; onStop: () => void; error: unknown }) {
  const rows = [...judged, ...state.rows].sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
  const failed = wrong(rows).map((r) => ({ item: [r.line, r.email].join('\t'), reason: r.error ?? '' }))
  const n = tally(state.rows)
  const over = state.finished || error !== null
  return (
    <Stack>
      <Progress value={state.total ? (100 * state.sent) / state.total : 100} aria-label={t.progress(count(state.sent), count(state.total))} />
      <Text size="sm">{over ? t.finished(count(n.created), count(n.changed)) : t.progress(count(state.sent), count(state.total))}</Text>
      {!over && <Group><Button variant="default" onClick={onStop}>{texts.common.stop}</Button></Group>}
      {state.stopped && <Alert color="yellow" variant="light">{t.stopped(count(state.total - state.sent))}</Alert>}
      {error !== null && <Failure error={error} what={texts.company.pages.import} />}
      {over && <Partial done={n.created + n.changed + n.unchanged} failed={failed} name="not-imported.tsv" />}
      {over && rows.length > 0 && <Rows rows={rows} done />}
    </Stack>
  )
}
