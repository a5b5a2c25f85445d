import { useState } from 'react'
import { Page } from '../../components/Page'
import { useCluster } from '../../api/cluster'
import { Loading } from '../../components/Loading'
import { Refused } from '../../components/Failure'
import { texts } from '../../lib/texts'
import { Health } from './Health'
import { Members } from './Members'

const t = texts.operations.cluster

/** Cluster shows how the cluster is, as the node sees it that serves the page. */
export function Cluster() {
  const [now] = useState(() => new Date())
  const status = useCluster()
  return (
    <Page title={texts.operations.pages.cluster} about={status.data?.node ? t.answeredBy(status.data.node) : t.about}>
      {status.isPending && <Loading />}
      {status.isError && <Refused error={status.error} what={t.reading} permission="operations" retry={status.refetch} />}
      {status.data && (
        <>
          <Health status={status.data} now={now} />
          <Members status={status.data} />
        </>
      )}
    </Page>
  )
}
