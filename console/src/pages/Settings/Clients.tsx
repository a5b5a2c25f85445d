import { useState } from 'react'
import { Code, Group, Stack, Text } from '@mantine/core'
import { del } from '../../api/client'
import type { ClientJson, SaveClientResponseJson } from '../../api/gen/pemba/portal/v1/settings_pb'
import { path, useChange } from '../../api/portal/lists'
import { useClients } from '../../api/portal/settings'
import { serviceName } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { DataTable, type Column, type RowAction } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { When } from '../../components/When'
import { WriteButton } from '../../components/WriteButton'
import { texts } from '../../lib/texts'
import { ClientForm } from './ClientForm'
import { ClientSecret } from './ClientSecret'
import { useSaveClient, valuesOf } from './saveClient'

const t = texts.settings.clients

const columns: Column<ClientJson>[] = [
  { id: 'name', header: t.fields.name, width: 'minmax(140px, 2fr)', cell: (c) => c.name },
  { id: 'service', header: t.fields.service, width: '170px', cell: (c) => serviceName(c.service) },
  { id: 'id', header: t.id, width: 'minmax(180px, 2fr)', cell: (c) => <Code className="app-wrap">{c.id}</Code> },
  { id: 'kind', header: t.kind, width: '140px', cell: (c) => (c.public ? t.pkce : t.secret) },
  { id: 'created', header: texts.company.created, width: '170px', cell: (c) => <When at={c.createdAt} /> },
]

type Open = { what: 'add' } | { what: 'edit' | 'rotate' | 'remove'; id: string }

/** Clients are the portals of services to which people sign in through Pemba. */
export function Clients() {
  const all = useClients()
  const [open, setOpen] = useState<Open>()
  const [made, setMade] = useState<SaveClientResponseJson>()
  const rows = all.data?.clients ?? []
  const one = open && open.what !== 'add' ? rows.find((c) => c.id === open.id) : undefined
  const of = (what: Open['what']) => (open?.what === what ? one : undefined)
  const rotating = of('rotate')
  const removing = of('remove')
  const remove = useChange(() => del(path('clients', removing?.id ?? '')))
  const save = useSaveClient()
  const close = () => setOpen(undefined)
  const edit = (c: ClientJson) => setOpen({ what: 'edit', id: c.id ?? '' })
  const rotate = async () => {
    const c = rotating ?? {}
    setMade(await save.mutateAsync({ id: c.id ?? '', values: valuesOf(c), seen: c.version ?? '0', newSecret: true }))
  }
  const actions = (c: ClientJson): RowAction[] => [
    { label: t.edit, onClick: () => edit(c) },
    ...(c.public ? [] : [{ label: t.rotate, onClick: () => setOpen({ what: 'rotate', id: c.id ?? '' }) }]),
    { label: texts.common.remove, danger: true, onClick: () => setOpen({ what: 'remove', id: c.id ?? '' }) },
  ]
  if (all.isPending) return <Loading rows={3} />
  if (all.isError) return <Refused error={all.error} what={t.reading} permission="manage_identity_providers" who={texts.settings.grants} retry={all.refetch} />
  const add = <WriteButton onClick={() => setOpen({ what: 'add' })}>{t.add}</WriteButton>
  return (
    <Stack>
      <Group justify="space-between" align="flex-start">
        <div><Text size="sm">{t.about}</Text><Text size="sm" c="dimmed" className="app-wrap">{t.issuer(all.data.issuer ?? '')}</Text></div>
        {rows.length > 0 && add}
      </Group>
      {rows.length === 0
        ? <Empty kind="nothing" title={t.none} action={add}>{t.noneHint}</Empty>
        : <DataTable label={texts.settings.tabs.clients} columns={columns} rows={rows} rowKey={(c) => c.id ?? ''} rowName={(c) => c.name ?? ''} onOpen={edit} actions={actions} />}
      <ClientForm opened={open?.what === 'add' || !!of('edit')} stored={of('edit')} onMade={setMade} onClose={close} />
      <Confirm opened={!!rotating} onClose={close} title={t.rotateTitle(rotating?.name ?? '')} action={t.rotate} onConfirm={rotate}>
        <Text size="sm">{t.rotateAbout}</Text>
      </Confirm>
      <Confirm opened={!!removing} onClose={close} title={t.removeTitle(removing?.name ?? '')} action={texts.common.remove} onConfirm={async () => { await remove.mutateAsync(); saved(t.removed(removing?.name ?? '')) }}>
        <Text size="sm">{t.removeAbout(serviceName(removing?.service))}</Text>
      </Confirm>
      <ClientSecret made={made} issuer={all.data.issuer ?? ''} onDone={() => setMade(undefined)} />
    </Stack>
  )
}
