import { useState } from 'react'
import { Button, Group, SegmentedControl, Text } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import type { SubscriptionJson } from '../../api/gen/pemba/portal/v1/subscriptions_pb'
import type { ListWorkspacesResponseJson, WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { path, usePaged } from '../../api/portal/lists'
import { can, personName, roleLabel, workspaceNoun } from '../../api/portal/words'
import { DataTable, type Column, type RowAction } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { SearchField } from '../../components/SearchField'
import { WriteButton } from '../../components/WriteButton'
import { count, list, moment } from '../../lib/format'
import { texts } from '../../lib/texts'
import { DeleteWorkspace } from '../Workspace/DeleteWorkspace'
import { EditWorkspace } from '../Workspace/EditWorkspace'
import { Share } from '../Workspace/Share'
import { readService } from './filter'

const t = texts.portal.workspace
const route = getRouteApi('/shell/services/$sid')

const columns: Column<WorkspaceJson>[] = [
  { id: 'name', header: texts.portal.name, width: 'minmax(170px, 2fr)', sort: true, cell: (w) => <><TextLink to="/services/$sid/workspaces/$wid" params={{ sid: w.subscriptionId ?? '', wid: w.id ?? '' }} fw={600} size="sm">{w.name}</TextLink>{w.role && <Text size="xs" c="dimmed">{roleLabel(w.role)}</Text>}</> },
  { id: 'owner', header: texts.portal.owner, width: 'minmax(140px, 1.5fr)', cell: (w) => <>{list((w.owners ?? []).map(personName))}{w.onlyInactiveOwners && <Text size="xs">{t.inactive}</Text>}</> },
  { id: 'people', header: texts.portal.people, width: '90px', cell: (w) => count(w.people ?? 0) },
  { id: 'changed', header: texts.portal.changed, width: '170px', sort: true, cell: (w) => (w.changedAt ? <time dateTime={w.changedAt}>{moment(new Date(w.changedAt))}</time> : '') },
]

type Open = { what: 'create' } | { what: 'edit' | 'share' | 'delete'; workspace: WorkspaceJson }

/** Workspaces are those of a subscription that one may read. */
export function Workspaces({ of: s }: { of: SubscriptionJson }) {
  const sid = s.id ?? ''
  const noun = workspaceNoun(s.service)
  const navigate = route.useNavigate()
  const { search, show = 'all', order = 'name' } = route.useSearch()
  const set = (change: { search?: string; show?: string; order?: string }) => void navigate({ search: (was) => readService({ ...was, ...change }), replace: true })
  const [open, setOpen] = useState<Open>()
  const params = { search, order, mine: show === 'mine', onlyInactiveOwners: show === 'inactive' }
  const all = usePaged(path('subscriptions', sid, 'workspaces'), params, (a: ListWorkspacesResponseJson) => a.workspaces)
  const go = (w: WorkspaceJson) => void navigate({ to: '/services/$sid/workspaces/$wid', params: { sid, wid: w.id ?? '' } })
  const actions = (w: WorkspaceJson): RowAction[] => [
    ...(can(w.allowed, 'edit_info') ? [{ label: t.edit, onClick: () => setOpen({ what: 'edit', workspace: w }) }] : []),
    ...(can(w.allowed, 'share') ? [{ label: t.share, onClick: () => setOpen({ what: 'share', workspace: w }) }] : []),
    { label: t.open, onClick: () => go(w) },
    ...(can(w.allowed, 'delete') ? [{ label: t.delete, danger: true, onClick: () => setOpen({ what: 'delete', workspace: w }) }] : []),
  ]
  const close = () => setOpen(undefined)
  const filtered = !!search || show !== 'all'
  return (
    <>
      <Group mb="sm" justify="space-between">
        <Group gap="xs">
          <SearchField label={t.search} value={search} onChange={(s) => set({ search: s })} />
          <SegmentedControl aria-label={noun.many} value={show} onChange={(to) => set({ show: to })} data={[{ value: 'all', label: t.all }, { value: 'mine', label: t.mine }, ...(can(s.allowed, 'include_user') ? [{ value: 'inactive', label: t.inactive }] : [])]} />
        </Group>
        {can(s.allowed, 'create_workspace') && <WriteButton onClick={() => setOpen({ what: 'create' })}>{t.create(noun.one)}</WriteButton>}
      </Group>
      {all.isPending && <Loading />}
      {all.isError && <Refused error={all.error} what={noun.many} permission="access_portal" retry={all.refetch} />}
      {all.isSuccess && all.rows.length === 0 && (filtered
        ? <Empty kind="noMatch" title={t.noMatch} action={<Button variant="default" onClick={() => set({ search: '', show: 'all' })}>{texts.common.clear}</Button>} />
        : <Empty kind="nothing" title={t.none(noun.one)}>{can(s.allowed, 'create_workspace') ? t.noneHint(noun.one) : ''}</Empty>)}
      {all.rows.length > 0 && (
        <DataTable label={noun.many} columns={columns} rows={all.rows} rowKey={(w) => w.id ?? ''} rowName={(w) => w.name ?? ''} total={all.total} order={order} onOrder={(to) => set({ order: to })}
          hasMore={all.hasNextPage} loadingMore={all.isFetchingNextPage} onMore={all.more} onOpen={go} actions={actions} />
      )}
      <EditWorkspace subscription={sid} noun={noun.one} opened={open?.what === 'create' || open?.what === 'edit'} {...(open?.what === 'edit' ? { workspace: open.workspace } : {})} onClose={close} />
      <Share workspace={open?.what === 'share' ? open.workspace : undefined} onClose={close} />
      <DeleteWorkspace workspace={open?.what === 'delete' ? open.workspace : undefined} onClose={close} />
    </>
  )
}
