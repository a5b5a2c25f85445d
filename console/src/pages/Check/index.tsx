import { useState } from 'react'
import { Group, Stack } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useExplain, type Question } from '../../api/explain'
import { AsOf } from '../../components/AsOf'
import { AnswerLine } from '../../components/Explanation/AnswerLine'
import { Explanation } from '../../components/Explanation'
import { CopyButton } from '../../components/CopyButton'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Page } from '../../components/Page'
import { faultsOfCheck } from '../../lib/faults'
import { texts } from '../../lib/texts'
import { CheckForm } from './CheckForm'
import { Nearest } from './Nearest'
import { SaveAssertion } from './SaveAssertion'
import { command } from './command'

const route = getRouteApi('/shell/workbench/check')
const t = texts.workbench.check

/** Check answers whether a subject has a permission, and shows why or why not. */
export function Check() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const [full, setFull] = useState(false)
  const { resource, permission, subject, context, at } = search
  const asked = resource && permission && subject && Object.keys(faultsOfCheck(search)).length === 0 // the form says what is wrong
  const question: Question | undefined = asked
    ? { resource, permission, subject, ...(context ? { context } : {}), ...(at ? { at } : {}) }
    : undefined
  const answer = useExplain(question, full)
  const ask = (q: Question) => {
    const same = question && JSON.stringify(q) === JSON.stringify(question)
    if (same) void answer.refetch()
    else void navigate({ search: (old) => ({ ...q, ...(old.view ? { view: old.view } : {}) }) })
  }
  return (
    <Page title={texts.workbench.pages.check} about={t.about}>
      <Stack>
        <CheckForm initial={question ?? search} busy={answer.isFetching} onAsk={ask} />
        {!question && <Empty kind="nothing" title={t.nothing}>{t.nothingHint}</Empty>}
        {question && answer.isPending && <Loading rows={3} />}
        {answer.isError && <Refused error={answer.error} what={t.checking} permission={texts.workbench.permission} retry={answer.refetch} />}
        {question && answer.data && !answer.isError && (
          <>
            <AnswerLine answer={answer.data} />
            <Group justify="space-between">
              <AsOf token={answer.data.checkedAt?.token} time={answer.dataUpdatedAt} busy={answer.isFetching} onRefresh={answer.refetch} {...(at ? {} : { full, onFull: setFull })} />
              <Group gap="xs">
                <SaveAssertion question={question} answer={answer.data} />
                <CopyButton value={command(question)}>{t.copyCommand}</CopyButton>
                <CopyButton value={window.location.href}>{t.copyLink}</CopyButton>
              </Group>
            </Group>
            <Nearest remedies={answer.data.remedies ?? []} past={!!at} />
            <Explanation key={JSON.stringify(question)} answer={answer.data} live={!at} view={search.view ?? 'tree'} onView={(view) => void navigate({ search: (old) => ({ ...old, view }), replace: true })} />
          </>
        )}
      </Stack>
    </Page>
  )
}
