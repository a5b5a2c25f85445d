import { Group, Select, Stack } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { isRefused } from '../../api/errors'
import type { ListUsersByRoleResponseJson, RoleHolderJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { usePaged } from '../../api/portal/lists'
import { allServices, memberName, personName, serviceName } from '../../api/portal/words'
import { DataTable, type Column } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { Page } from '../../components/Page'
import { SearchField } from '../../components/SearchField'
import { texts } from '../../lib/texts'
import { readRoles, roles } from './filter'

const t = texts.company.roles
const route = getRouteApi('/shell/roles')

const columns: Column<RoleHolderJson>[] = [
  { id: 'name', header: texts.company.name, width: 'minmax(150px, 1fr)', cell: (h) => <TextLink to="/people/$id" params={{ id: h.person?.id ?? '' }} search={{ tab: 'access' }} fw={600} size="sm">{personName(h.person)}</TextLink> },
  { id: 'email', header: texts.company.fields.email, width: 'minmax(170px, 1fr)', cell: (h) => h.person?.email },
  { id: 'where', header: t.where, width: 'minmax(150px, 1fr)', cell: (h) => h.resourceName || h.resource },
  { id: 'how', header: t.how, width: 'minmax(120px, 1fr)', cell: (h) => (h.through ? t.through(memberName(h.through)) : t.direct) },
]

/** Roles says who holds a role, where, and how. */
export function Roles() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const role = search.role ?? 'administrator'
  const holders = usePaged('/portal/v1/users:by-role', { ...search, role }, (a: ListUsersByRoleResponseJson) => a.holders)
  const set = (change: Record<string, string | null>) => void navigate({ search: (was) => readRoles({ ...was, ...change }), replace: true })
  return (
    <Page title={texts.company.pages.roles} about={t.about}>
      <Stack gap="sm">
        {!isRefused(holders.error) && <Group gap="xs" role="search" aria-label={texts.company.people.filters}>
          <Select aria-label={texts.company.role} allowDeselect={false} value={role} onChange={(r) => set({ role: r })} data={roles.map((r) => ({ value: r, label: t.names[r] }))} w={220} />
          <Select aria-label={texts.company.service} placeholder={texts.company.people.anyService} clearable value={search.service ?? null} onChange={(s) => set({ service: s })} data={allServices.map((s) => ({ value: s, label: serviceName(s) }))} w={200} />
          <SearchField label={t.search} value={search.search} onChange={(s) => set({ search: s })} w={{ base: '100%', xs: 260 }} />
        </Group>}
        {holders.isPending && <Loading />}
        {holders.isError && <Refused error={holders.error} what={t.reading} permission="view_users_by_role" retry={holders.refetch} />}
        {holders.isSuccess && holders.rows.length === 0 && <Empty kind={search.search ? 'noMatch' : 'nothing'} title={t.none}>{t.noneHint}</Empty>}
        {holders.rows.length > 0 && (
          <DataTable label={texts.company.pages.roles} columns={columns} rows={holders.rows} rowKey={(h) => `${h.person?.id} ${h.resource} ${h.role} ${h.through?.group ?? h.through?.jobTitle ?? ''}`} rowName={(h) => personName(h.person)}
            total={holders.total} hasMore={holders.hasNextPage} loadingMore={holders.isFetchingNextPage} onMore={holders.more} />
        )}
      </Stack>
    </Page>
  )
}
