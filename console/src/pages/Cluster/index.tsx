import { useState } from 'react'
import { Alert, Stack } from '@mantine/core'
import { useCluster } from '../../api/cluster'
import { atLeast, useMe } from '../../api/me'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Page } from '../../components/Page'
import { Ago } from '../../components/When'
import { WriteButton } from '../../components/WriteButton'
import { texts } from '../../lib/texts'
import { Act, type Action } from './Act'
import { Activity } from './Activity'
import { Members } from './Members'
import { judge, nameOf, warnings } from './health'

const t = texts.operations.cluster
const colors = { good: 'green', warning: 'yellow', bad: 'red' } as const

/** Cluster shows how the cluster is, as the node sees it that serves the page. */
export function Cluster() {
  const status = useCluster()
  const [action, setAction] = useState<Action>()
  const mayAct = atLeast(useMe().operations, 'admin')
  const s = status.data
  const here = s?.members?.find((m) => m.id === s.node)
  const verdict = s && judge(s)
  return (
    <Page title={texts.operations.pages.cluster} about={s?.node ? t.answeredBy(nameOf(here, s.members) || s.node) : t.about}
      actions={mayAct && here && <WriteButton variant="default" onClick={() => setAction({ kind: 'drain', member: here })}>{t.drain}</WriteButton>}>
      <Stack>
        {status.isPending && <Loading />}
        {status.isError && (s ? <Alert color="red" role="alert" title={t.stale}>{status.error.message}</Alert> : <Refused error={status.error} what={t.reading} permission={texts.operations.permission} retry={status.refetch} />)}
        {s && verdict && (
          <>
            <Alert variant="light" color={colors[verdict.level]} data-health={verdict.level}
              title={<><span role="status">{verdict.sentence}</span> {verdict.since && <>{t.started} <Ago at={verdict.since} now={new Date(status.dataUpdatedAt)} />.</>}</>}>{verdict.advice}</Alert>
            {warnings(s).map((w) => <Alert key={w} variant="light" color="yellow" title={w} />)}
            <Activity member={here} />
            <Members status={s} mayAct={mayAct} onAct={setAction} />
          </>
        )}
      </Stack>
      {action && <Act action={action} onClose={() => setAction(undefined)} />}
    </Page>
  )
}
