import { useState } from 'react'
import { Button, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { isRefused } from '../../api/errors'
import { may, useMe } from '../../api/me'
import type { ListUsersResponseJson, UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { path, usePaged } from '../../api/portal/lists'
import { everyone, userName, type Filter } from '../../api/portal/people'
import { DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failure, Refused } from '../../components/Failure'
import { ButtonLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { Page } from '../../components/Page'
import { WriteButton } from '../../components/WriteButton'
import { texts } from '../../lib/texts'
import { AddPerson } from './AddPerson'
import { Bulk, type What } from './Bulk'
import type { Item } from './bulk'
import { columns } from './columns'
import { Deactivate } from './Deactivate'
import { EditPerson } from './EditPerson'
import { Export } from './Export'
import { readFilter } from './filter'
import { Filters } from './Filters'
import { SelectionBar } from './SelectionBar'
import { useActions } from './useActions'

const t = texts.company
const route = getRouteApi('/shell/people')

/** People is everyone who is registered in the company. */
export function People() {
  const me = useMe()
  const filter: Filter = route.useSearch()
  const navigate = route.useNavigate()
  const [adding, setAdding] = useState(false)
  const users = usePaged(path('users'), filter, (a: ListUsersResponseJson) => a.users)
  const set = (change: Filter) => void navigate({ search: (was) => readFilter({ ...was, ...change }), replace: true })
  return (
    <Page title={t.pages.people} about={users.total === undefined ? t.people.about : `${t.people.about} ${t.people.count(users.total)}.`}
      actions={(
        <>
          {may(me, 'view_users_by_role') && <ButtonLink to="/roles" variant="subtle">{t.pages.roles}</ButtonLink>}
          {may(me, 'list_users') && <Export filter={filter} />}
          {may(me, 'create_user') && <ButtonLink to="/people/import" variant="default">{t.people.import}</ButtonLink>}
          {may(me, 'create_user') && <WriteButton onClick={() => setAdding(true)}>{t.people.add}</WriteButton>}
        </>
      )}>
      <Stack gap="sm">
        {!isRefused(users.error) && <Filters value={filter} onChange={set} />}
        {users.isPending && <Loading rows={10} height={44} />}
        {users.isError && <Refused error={users.error} what={t.people.reading} permission="list_users" retry={users.refetch} />}
        {users.isSuccess && users.rows.length === 0 && <NoPeople filtered={Object.entries(filter).some(([k, v]) => k !== 'order' && v !== undefined)} onClear={() => void navigate({ search: {}, replace: true })} />}
        {users.rows.length > 0 && <List users={users} filter={filter} onOrder={(order) => set({ order })} />}
      </Stack>
      <AddPerson opened={adding} onClose={() => setAdding(false)} />
    </Page>
  )
}

function NoPeople({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  if (!filtered) return <Empty kind="nothing" title={t.people.none}>{t.people.noneHint}</Empty>
  return <Empty kind="noMatch" title={t.people.noMatch} action={<Button variant="default" onClick={onClear}>{texts.common.clear}</Button>} />
}

type Users = ReturnType<typeof usePaged<ListUsersResponseJson, UserJson>>
const item = (u: UserJson): Item => ({ id: u.id ?? '', name: userName(u) })

function List({ users, filter, onOrder }: { users: Users; filter: Filter; onOrder: (order: string) => void }) {
  const go = useNavigate()
  const [selected, setSelected] = useState<ReadonlyMap<string, Item>>(new Map())
  const [doing, setDoing] = useState<What>()
  const row = useActions()
  const all = useMutation({
    mutationFn: () => everyone(filter, new AbortController().signal),
    onSuccess: (found) => setSelected(new Map(found.map((u) => [u.id ?? '', item(u)]))),
  })
  const select = (ids: ReadonlySet<string>) => {
    const shown = new Map(users.rows.map((u) => [u.id ?? '', item(u)]))
    setSelected(new Map([...ids].flatMap((id) => { const i = shown.get(id) ?? selected.get(id); return i ? [[id, i] as const] : [] })))
  }
  const open = (u: UserJson) => void go({ to: '/people/$id', params: { id: u.id ?? '' } })
  return (
    <>
      {row.failure && <Failure {...row.failure} />}
      {all.isError && <Failure error={all.error} what={t.bulk.collecting} retry={() => all.mutate()} />}
      <SelectionBar selected={selected.size} total={users.total ?? users.rows.length} collecting={all.isPending} onAll={() => all.mutate()} onNone={() => setSelected(new Map())} onDo={setDoing} />
      <DataTable label={t.pages.people} columns={columns} rows={users.rows} rowKey={(u) => u.id ?? ''} rowName={userName}
        total={users.total} hasMore={users.hasNextPage} loadingMore={users.isFetchingNextPage} onMore={users.more}
        selected={new Set(selected.keys())} onSelect={select} onOpen={open} actions={(u) => row.actions(u, () => open(u))} order={filter.order ?? 'name'} onOrder={onOrder} />
      {doing && <Bulk what={doing} items={[...selected.values()]} onClose={() => { setDoing(undefined); setSelected(new Map()) }} />}
      <EditPerson user={row.edited} onClose={row.close} />
      <Deactivate user={row.deactivated} onClose={row.close} />
    </>
  )
}
