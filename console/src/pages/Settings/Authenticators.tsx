import { useState } from 'react'
import { Badge, Group, Stack, Text } from '@mantine/core'
import { del } from '../../api/client'
import type { AuthenticatorJson } from '../../api/gen/pemba/portal/v1/settings_pb'
import { path, useChange } from '../../api/portal/lists'
import { useAuthenticators } from '../../api/portal/settings'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { WriteButton } from '../../components/WriteButton'
import { texts } from '../../lib/texts'
import { AuthenticatorForm } from './AuthenticatorForm'

const t = texts.settings.authenticators

const domains = (a: AuthenticatorJson | undefined): string =>
  [...(a?.domains ?? []), ...(a?.allOthers ? [t.others] : [])].join(', ') || t.noDomains

const columns: Column<AuthenticatorJson>[] = [
  { id: 'name', header: t.fields.name, width: 'minmax(140px, 1fr)', cell: (a) => a.name },
  { id: 'issuer', header: t.fields.issuer, width: 'minmax(200px, 2fr)', cell: (a) => <span className="app-wrap">{a.issuer}</span> },
  { id: 'domains', header: t.fields.domains, width: 'minmax(160px, 2fr)', cell: (a) => <span className="app-wrap">{domains(a)}</span> },
  { id: 'state', header: t.state, width: '120px', cell: (a) => <Badge variant="light" color={a.enabled ? 'green' : 'gray'}>{a.enabled ? t.on : t.off}</Badge> },
]

type Open = { what: 'add' } | { what: 'edit' | 'remove'; id: string }

/** Authenticators sign people in from outside, by the domain of their address. */
export function Authenticators() {
  const all = useAuthenticators()
  const [open, setOpen] = useState<Open>()
  const rows = all.data?.authenticators ?? []
  const one = open && open.what !== 'add' ? rows.find((a) => a.id === open.id) : undefined
  const removing = open?.what === 'remove' ? one : undefined
  const remove = useChange(() => del(path('authenticators', removing?.id ?? '')))
  const close = () => setOpen(undefined)
  const edit = (a: AuthenticatorJson) => setOpen({ what: 'edit', id: a.id ?? '' })
  const actions = (a: AuthenticatorJson) => [
    { label: t.edit, onClick: () => edit(a) },
    { label: texts.common.remove, danger: true, onClick: () => setOpen({ what: 'remove', id: a.id ?? '' }) },
  ]
  if (all.isPending) return <Loading rows={3} />
  if (all.isError) return <Refused error={all.error} what={t.reading} permission="manage_identity_providers" who={texts.settings.grants} retry={all.refetch} />
  const add = <WriteButton onClick={() => setOpen({ what: 'add' })}>{t.add}</WriteButton>
  return (
    <Stack>
      <Group justify="space-between" align="flex-start">
        <Text size="sm" maw={640}>{t.about}</Text>
        {rows.length > 0 && add}
      </Group>
      {rows.length === 0
        ? <Empty kind="nothing" title={t.none} action={add}>{t.noneHint}</Empty>
        : <DataTable label={texts.settings.tabs.authenticators} columns={columns} rows={rows} rowKey={(a) => a.id ?? ''} rowName={(a) => a.name ?? ''} onOpen={edit} actions={actions} />}
      <AuthenticatorForm opened={open?.what === 'add' || (open?.what === 'edit' && !!one)} stored={open?.what === 'edit' ? one : undefined} redirectUrl={all.data.redirectUrl ?? ''} onClose={close} />
      <Confirm opened={!!removing} onClose={close} title={t.removeTitle(removing?.name ?? '')} action={texts.common.remove} onConfirm={async () => { await remove.mutateAsync(); saved(t.removed(removing?.name ?? '')) }}>
        <Text size="sm">{t.removeAbout(domains(removing))}</Text>
      </Confirm>
    </Stack>
  )
}
