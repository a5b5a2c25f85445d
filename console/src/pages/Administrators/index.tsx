import { useState } from 'react'
import { Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { del } from '../../api/client'
import type { ListAdministratorsResponseJson, UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { path, useChange, useRead } from '../../api/portal/lists'
import { userName } from '../../api/portal/people'
import { can } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { DataTable, type RowAction } from '../../components/DataTable'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Page } from '../../components/Page'
import { WriteButton } from '../../components/WriteButton'
import { texts } from '../../lib/texts'
import { columns } from '../People/columns'
import { Include } from './Include'

const t = texts.company.administrators
const shown = columns.filter((c) => ['name', 'email', 'state', 'title', 'seen'].includes(c.id))

/** Administrators manage the users of the company; the last one stays. */
export function Administrators() {
  const go = useNavigate()
  const [including, setIncluding] = useState(false)
  const [removing, setRemoving] = useState<UserJson>()
  const all = useRead<ListAdministratorsResponseJson>(['administrators'], path('administrators'))
  const remove = useChange(() => del(path('administrators', removing?.id ?? '')))
  const rows = all.data?.administrators ?? []
  const active = rows.filter((u) => u.state !== 'USER_STATE_DEACTIVATED')
  // Rule 12: whoever is deactivated does not count.
  const last = (u: UserJson) => active.length === 1 && active[0]?.id === u.id
  const open = (u: UserJson) => void go({ to: '/people/$id', params: { id: u.id ?? '' } })
  const actions = (u: UserJson): RowAction[] => [
    { label: texts.company.people.open, onClick: () => open(u) },
    ...(can(u.allowed, 'remove_administrator') || (last(u) && can(all.data?.allowed, 'include')) ? [{ label: t.remove, danger: true, onClick: () => setRemoving(u), ...(last(u) ? { reason: t.last } : {}) }] : []),
  ]
  return (
    <Page title={texts.company.pages.administrators} about={t.about} actions={can(all.data?.allowed, 'include') && <WriteButton onClick={() => setIncluding(true)}>{t.include}</WriteButton>}>
      {all.isPending && <Loading />}
      {all.isError && <Refused error={all.error} what={t.reading} permission="list_users" retry={all.refetch} />}
      {all.isSuccess && <DataTable label={texts.company.pages.administrators} columns={shown} rows={rows} rowKey={(u) => u.id ?? ''} rowName={userName} onOpen={open} actions={actions} />}
      <Include opened={including} present={rows} onClose={() => setIncluding(false)} />
      <Confirm opened={!!removing} onClose={() => setRemoving(undefined)} title={t.removeTitle(userName(removing))} action={t.remove} onConfirm={async () => { await remove.mutateAsync(); saved(t.removed(userName(removing))) }}>
        <Text size="sm">{t.removeAbout}</Text>
      </Confirm>
    </Page>
  )
}
