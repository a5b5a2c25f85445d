import { useState } from 'react'
import { Button, Group, Stack } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { useBrowse } from '../../api/browse'
import type { RelationshipJson } from '../../api/gen/authzed/api/v1/core_pb'
import { atLeast, useMe } from '../../api/me'
import { useOutline } from '../../api/schema'
import { AsOf } from '../../components/AsOf'
import { DataTable } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Page } from '../../components/Page'
import { WriteButton } from '../../components/WriteButton'
import { filterText, noFilter, parseFilter, selects, type Filter } from '../../lib/filter'
import { count } from '../../lib/format'
import { keyText, relationshipText } from '../../lib/relationship'
import { texts } from '../../lib/texts'
import { Dialogs, type Open } from './Dialogs'
import { FilterBar } from './FilterBar'
import { columns } from './columns'
import { useRowActions } from './useRowActions'

const route = getRouteApi('/shell/workbench/relationships')
const t = texts.relationships

function understand(text: string): { filter: Filter; fault: string } {
  try {
    return { filter: parseFilter(text), fault: '' }
  } catch (e) {
    return { filter: noFilter, fault: e instanceof Error ? e.message : String(e) } // an address that somebody changed by hand
  }
}

/** Relationships browses what is stored, and changes it. */
export function Relationships() {
  const { filter: text = '' } = route.useSearch()
  const navigate = route.useNavigate()
  const { filter, fault } = understand(text)
  const outline = useOutline()
  const [full, setFull] = useState(false)
  const [selected, setSelected] = useState<Set<string>>(new Set())
  const [open, setOpen] = useState<Open>()
  const browse = useBrowse(filter, full)
  const mayWrite = atLeast(useMe().workbench, 'write')
  const rows = browse.data?.pages.flatMap((p) => p.rows) ?? []
  const actions = useRowActions({ mayWrite, onOpen: setOpen })
  const set = (f: Filter) => {
    setSelected(new Set())
    void navigate({ search: filterText(f) ? { filter: filterText(f) } : {} })
  }
  const chosen = rows.filter((r) => selected.has(keyText(r)))
  const noSchema = outline.data?.definitions.length === 0
  return (
    <Page title={texts.workbench.pages.relationships} about={t.about} fill
      actions={
        <>
          <Button variant="default" onClick={() => setOpen({ kind: 'export' })}>{t.export}</Button>
          {mayWrite && <WriteButton variant="default" onClick={() => setOpen({ kind: 'import' })}>{t.import}</WriteButton>}
          {mayWrite && <WriteButton onClick={() => setOpen({ kind: 'edit' })} {...(noSchema ? { reason: t.noSchemaTitle } : {})}>{t.add}</WriteButton>}
        </>
      }>
      <Stack gap="sm" className="app-fill">
        <FilterBar filter={filter} text={fault ? text : filterText(filter)} fault={fault} outline={outline.data} onChange={set} />
        {noSchema && !selects(filter) && <Empty kind="nothing" title={t.noSchemaTitle}>{t.noSchemaHint}</Empty>}
        {!noSchema && !selects(filter) && <Choose types={outline.data?.definitions.filter((d) => d.relations.length > 0).map((d) => d.name) ?? []} onChoose={(type) => set({ ...noFilter, type })} />}
        {selects(filter) && browse.isPending && <Loading rows={8} />}
        {browse.isError && <Refused error={browse.error} what={t.reading} permission={texts.workbench.permission} retry={browse.refetch} />}
        {browse.isSuccess && (
          <>
            <Group justify="space-between">
              <AsOf token={browse.data.pages[0]?.token} time={browse.dataUpdatedAt} busy={browse.isFetching} onRefresh={browse.refetch} full={full} onFull={setFull} />
              {mayWrite && rows.length > 0 && (
                <WriteButton variant="default" size="compact-sm" onClick={() => setOpen(chosen.length > 0 ? { kind: 'selected', rows: chosen } : { kind: 'bulk' })}>
                  {chosen.length > 0 ? t.bulkSelected(count(chosen.length)) : t.bulk}
                </WriteButton>
              )}
            </Group>
            {rows.length === 0
              ? <Empty kind="noMatch" title={t.noneTitle} action={<Button variant="default" onClick={() => set(noFilter)}>{texts.common.clear}</Button>}>{t.noneHint(filterText(filter))}</Empty>
              : (
                <DataTable<RelationshipJson> label={t.label} columns={columns(browse.dataUpdatedAt)} rows={rows} rowKey={keyText} rowName={relationshipText} hasMore={browse.hasNextPage}
                  loadingMore={browse.isFetchingNextPage} onMore={() => void browse.fetchNextPage()} actions={actions}
                  onOpen={(relationship) => setOpen(mayWrite ? { kind: 'edit', relationship } : { kind: 'history', relationship })}
                  {...(mayWrite ? { selected, onSelect: setSelected } : {})} />
              )}
          </>
        )}
      </Stack>
      <Dialogs open={open} filter={filter} onClose={() => setOpen(undefined)} onDeleted={() => setSelected(new Set())} />
    </Page>
  )
}

function Choose({ types, onChoose }: { types: string[]; onChoose: (type: string) => void }) {
  return (
    <Empty kind="nothing" title={t.chooseTitle} action={<Group justify="center" gap="xs">{types.map((x) => <Button key={x} variant="default" size="compact-md" onClick={() => onChoose(x)}>{x}</Button>)}</Group>}>
      {t.chooseHint}
    </Empty>
  )
}
