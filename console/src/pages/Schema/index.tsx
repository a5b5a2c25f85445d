import { useState } from 'react'
import { useLiveSchema, type Live } from '../../api/schemaTools'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Page } from '../../components/Page'
import { texts } from '../../lib/texts'
import { NoSchema } from './NoSchema'
import { Workplace } from './Workplace'

const t = texts.schema

/** Schema shows the live schema and changes it. */
export function Schema() {
  const live = useLiveSchema()
  const [begun, setBegun] = useState<string>()
  if (live.isPending) return <Page title={texts.workbench.pages.schema}><Loading rows={1} height={420} /></Page>
  if (live.isError && live.data === undefined) {
    return <Page title={texts.workbench.pages.schema}><Refused error={live.error} what={t.reading} permission={t.permission} retry={live.refetch} /></Page>
  }
  if (live.data === null && begun === undefined) return <NoSchema onBegin={setBegun} />
  return <Workplace live={live.data ?? null} begun={begun} />
}

export type { Live }
