import { useState } from 'react'
import { Alert, Stack, Text } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { post } from '../../api/client'
import type { AccessLineJson, UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { path, useChange } from '../../api/portal/lists'
import { userName, useUserAccess } from '../../api/portal/people'
import { can } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { texts } from '../../lib/texts'
import { how, idOf, kindOf, quoted } from './access'

const t = texts.company.person
const g = texts.company.group

const columns: Column<AccessLineJson>[] = [
  { id: 'name', header: texts.company.name, width: 'minmax(160px, 1fr)', cell: (l) => <TextLink to="/groups/$id" params={{ id: idOf(l.resource) }} fw={600} size="sm">{quoted(l.resourceName)}</TextLink> },
  { id: 'how', header: t.member, width: 'minmax(160px, 2fr)', cell: how },
]

/** Groups is which groups a person is in, himself or through others; only the first can be left here. */
export function Groups({ of: u }: { of: UserJson }) {
  const navigate = useNavigate()
  const access = useUserAccess(u.id ?? '')
  const [leaving, setLeaving] = useState<AccessLineJson>()
  const leave = useChange(() => post(path('groups', idOf(leaving?.resource), 'members'), { remove: [{ user: u.id }] }))
  if (access.isPending) return <Loading rows={3} />
  if (access.isError) return <Refused error={access.error} what={t.tabs.groups} permission="view_users_by_role" retry={access.refetch} />
  const rows = (access.data.lines ?? []).filter((l) => kindOf(l.resource) === 'group')
  const open = (l: AccessLineJson) => void navigate({ to: '/groups/$id', params: { id: idOf(l.resource) } })
  const actions = (l: AccessLineJson) => [
    { label: texts.company.people.open, onClick: () => open(l) },
    ...(l.how === 'direct' && can(l.allowed, 'remove') ? [{ label: g.leave, danger: true, onClick: () => setLeaving(l) }] : []),
  ]
  const name = quoted(leaving?.resourceName)
  return (
    <Stack>
      {access.data.more && <Alert color="yellow" variant="light">{t.more}</Alert>}
      {rows.length === 0
        ? <Empty kind="nothing" title={t.noGroups}>{t.noGroupsHint}</Empty>
        : <DataTable label={t.tabs.groups} columns={columns} rows={rows} rowKey={(l) => l.resource ?? ''} rowName={(l) => quoted(l.resourceName)} onOpen={open} actions={actions} />}
      <Confirm opened={!!leaving} onClose={() => setLeaving(undefined)} title={g.removeTitle(userName(u), name)} action={g.leave} onConfirm={async () => { await leave.mutateAsync(); saved(g.removed(userName(u), name)) }}>
        <Text size="sm">{g.removeAbout}</Text>
      </Confirm>
    </Stack>
  )
}
