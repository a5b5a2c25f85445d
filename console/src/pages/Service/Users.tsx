import { useState } from 'react'
import { Button, Group, Select } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import type { ListSubscriptionUsersResponseJson, SubscriptionJson, SubscriptionUserJson } from '../../api/gen/pemba/portal/v1/subscriptions_pb'
import { path, usePaged } from '../../api/portal/lists'
import { can, memberKey, memberName, roleLabel } from '../../api/portal/words'
import { DataTable, type Column, type RowAction } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Who } from '../../components/portal/Who'
import { SearchField } from '../../components/SearchField'
import { WriteButton } from '../../components/WriteButton'
import { count } from '../../lib/format'
import { texts } from '../../lib/texts'
import { CreateUser } from './CreateUser'
import { Include } from './Include'
import { ChangeRole } from './ChangeRole'
import { readService } from './filter'
import { RemoveUser } from './RemoveUser'

const t = texts.portal.service
const route = getRouteApi('/shell/services/$sid')

const columns: Column<SubscriptionUserJson>[] = [
  { id: 'who', header: texts.portal.name, width: 'minmax(180px, 2fr)', cell: (u) => <Who member={u.member} strong /> },
  { id: 'role', header: texts.portal.role, width: '140px', cell: (u) => roleLabel(u.role) },
  { id: 'workspaces', header: t.workspaces, width: '170px', cell: (u) => count(u.workspaces ?? 0) },
]

type Open = { what: 'include' | 'create' } | { what: 'role' | 'remove'; user: SubscriptionUserJson }

/** Users is who is included in a subscription. */
export function Users({ of: s }: { of: SubscriptionJson }) {
  const id = s.id ?? ''
  const { search, role } = route.useSearch()
  const navigate = route.useNavigate()
  const set = (change: { search?: string; role?: string | null }) => void navigate({ search: (was) => readService({ ...was, ...change }), replace: true })
  const [open, setOpen] = useState<Open>()
  const users = usePaged(path('subscriptions', id, 'users'), { search, role }, (a: ListSubscriptionUsersResponseJson) => a.users)
  const actions = (u: SubscriptionUserJson): RowAction[] => [
    ...(can(u.allowed, 'change_user_role') ? [{ label: t.setRole, onClick: () => setOpen({ what: 'role', user: u }) }] : []),
    ...(can(u.allowed, 'remove_user') ? [{ label: texts.common.remove, danger: true, onClick: () => setOpen({ what: 'remove', user: u }) }] : []),
  ]
  const close = () => setOpen(undefined)
  const filtered = !!search || !!role
  return (
    <>
      <Group mb="sm" justify="space-between">
        <Group gap="xs">
          <SearchField label={texts.common.search} value={search} onChange={(s) => set({ search: s })} />
          <Select aria-label={t.onlyRole} placeholder={t.onlyRole} clearable value={role ?? null} onChange={(r) => set({ role: r })} data={['owner', 'viewer', 'user'].map((r) => ({ value: r, label: roleLabel(r) }))} w={150} />
        </Group>
        <Group gap="xs">
          {can(s.allowed, 'create_new_user') && <WriteButton variant="default" onClick={() => setOpen({ what: 'create' })}>{t.create}</WriteButton>}
          {can(s.allowed, 'include_user') && <WriteButton onClick={() => setOpen({ what: 'include' })}>{t.include}</WriteButton>}
        </Group>
      </Group>
      {users.isPending && <Loading />}
      {users.isError && <Refused error={users.error} what={t.tabs.users} permission="list_users" retry={users.refetch} />}
      {users.isSuccess && users.rows.length === 0 && (filtered
        ? <Empty kind="noMatch" title={t.noMatch} action={<Button variant="default" onClick={() => set({ search: '', role: null })}>{texts.common.clear}</Button>} />
        : <Empty kind="nothing" title={t.noUsers}>{t.noUsersHint}</Empty>)}
      {users.rows.length > 0 && (
        <DataTable label={t.tabs.users} columns={columns} rows={users.rows} rowKey={(u) => memberKey(u.member)} rowName={(u) => memberName(u.member)}
          total={users.total} hasMore={users.hasNextPage} loadingMore={users.isFetchingNextPage} onMore={users.more} actions={actions} />
      )}
      <Include of={s} opened={open?.what === 'include'} onClose={close} />
      <CreateUser of={s} opened={open?.what === 'create'} onClose={close} />
      <ChangeRole id={id} user={open?.what === 'role' ? open.user : undefined} onClose={close} />
      <RemoveUser id={id} user={open?.what === 'remove' ? open.user : undefined} onClose={close} />
    </>
  )
}
