import { useState } from 'react'
import { Badge, Button, Group, SegmentedControl, Text } from '@mantine/core'
import { del, post } from '../../api/client'
import type { DiagramJson, ListDiagramsResponseJson } from '../../api/gen/pemba/portal/v1/diagrams_pb'
import type { WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { path, useChange, usePaged } from '../../api/portal/lists'
import { can, personName } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { DataTable, type Column, type RowAction } from '../../components/DataTable'
import { Empty } from '../../components/Empty'
import { Failure, Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { SearchField } from '../../components/SearchField'
import { WriteButton } from '../../components/WriteButton'
import { moment } from '../../lib/format'
import { texts } from '../../lib/texts'
import { Comments } from './Comments'
import { CreateDiagram } from './CreateDiagram'
import { Matrix } from './Matrix'

const t = texts.portal.diagram

const columns: Column<DiagramJson>[] = [
  { id: 'name', header: t.name, width: 'minmax(170px, 2fr)', cell: (d) => <Text fw={600}>{d.name}</Text> },
  { id: 'state', header: texts.portal.state, width: 'minmax(150px, 1.5fr)', cell: (d) => (
    <Group gap={6}><Badge variant="light" color={d.published ? 'sea' : 'gray'}>{d.published ? t.published : t.draft}</Badge>{d.checkedOutBy && <Text size="xs">{t.lock(personName(d.checkedOutBy))}</Text>}</Group>
  ) },
  { id: 'changed', header: texts.portal.changed, width: '170px', cell: (d) => (d.changedAt ? <time dateTime={d.changedAt}>{moment(new Date(d.changedAt))}</time> : '') },
]

// Steps that need no question, each with the permission that allows it.
const steps: { permission: string; call: string; label: string; when: (d: DiagramJson) => boolean }[] = [
  { permission: 'check_out', call: 'check-out', label: t.checkOut, when: (d) => !d.checkedOutBy },
  { permission: 'save', call: 'check-in', label: t.checkIn, when: (d) => !!d.checkedOutBy },
  { permission: 'work_offline', call: 'work-offline', label: t.offline, when: (d) => !d.checkedOutBy && !d.published },
  { permission: 'publish', call: 'publish', label: t.publish, when: (d) => !d.published },
  { permission: 'unpublish', call: 'unpublish', label: t.unpublish, when: (d) => !!d.published },
]

type Open = { what: 'create' | 'matrix' } | { what: 'rights' | 'comments' | 'force' | 'delete'; diagram: DiagramJson }

/** Diagrams are those of a model that one may view. */
export function Diagrams({ of: w }: { of: WorkspaceJson }) {
  const [search, setSearch] = useState('')
  const [state, setState] = useState('')
  const [open, setOpen] = useState<Open>()
  const all = usePaged(path('workspaces', w.id ?? '', 'diagrams'), { search, state }, (a: ListDiagramsResponseJson) => a.diagrams)
  const step = useChange(({ d, call }: { d: DiagramJson; call: string }) => post(path('diagrams', d.id ?? '', call), {}))
  const force = useChange((d: DiagramJson) => post(path('diagrams', d.id ?? '', 'force-check-in'), {}))
  const remove = useChange((d: DiagramJson) => del(path('diagrams', d.id ?? '')))
  const actions = (d: DiagramJson): RowAction[] => [
    ...steps.filter((s) => s.when(d) && can(d.allowed, s.permission)).map((s) => ({
      label: s.label,
      onClick: () => step.mutate({ d, call: s.call }, { onSuccess: () => saved(t.done(d.name ?? '', s.label.toLowerCase())) }),
    })),
    { label: t.comments, onClick: () => setOpen({ what: 'comments', diagram: d }) },
    ...(can(w.allowed, 'share') ? [{ label: t.matrix, onClick: () => setOpen({ what: 'rights', diagram: d }) }] : []),
    ...(d.checkedOutBy && can(d.allowed, 'force_check_in') && !can(d.allowed, 'save') ? [{ label: t.force, onClick: () => setOpen({ what: 'force', diagram: d }) }] : []),
    ...(can(d.allowed, 'delete') ? [{ label: t.delete, danger: true, onClick: () => setOpen({ what: 'delete', diagram: d }) }] : []),
  ]
  const chosen = (what: Open['what']) => (open?.what === what && 'diagram' in open ? open.diagram : undefined)
  const close = () => setOpen(undefined)
  const forced = chosen('force')
  const gone = chosen('delete')
  return (
    <>
      <Group mb="sm" justify="space-between">
        <Group gap="xs">
          <SearchField label={texts.common.search} value={search} onChange={setSearch} />
          <SegmentedControl aria-label={texts.portal.state} value={state} onChange={setState} data={[{ value: '', label: t.all }, { value: 'draft', label: t.drafts }, { value: 'published', label: t.publishedOnly }]} />
        </Group>
        <Group gap="xs">
          {can(w.allowed, 'share') && <Button variant="default" onClick={() => setOpen({ what: 'matrix' })}>{t.matrix}</Button>}
          {can(w.allowed, 'create_diagram') && <WriteButton onClick={() => setOpen({ what: 'create' })}>{t.create}</WriteButton>}
        </Group>
      </Group>
      {step.isError && <Failure error={step.error} what={t.step} />}
      {all.isPending && <Loading />}
      {all.isError && <Refused error={all.error} what={texts.portal.workspace.tabs.diagrams} permission="read" retry={all.refetch} />}
      {all.isSuccess && all.rows.length === 0 && (search || state ? <Empty kind="noMatch" title={texts.portal.workspace.noMatch} action={<Button variant="default" onClick={() => { setSearch(''); setState('') }}>{texts.common.clear}</Button>} /> : <Empty kind="nothing" title={t.none}>{t.noneHint}</Empty>)}
      {all.rows.length > 0 && (
        <DataTable label={texts.portal.workspace.tabs.diagrams} columns={columns} rows={all.rows} rowKey={(d) => d.id ?? ''} rowName={(d) => d.name ?? ''} total={all.total}
          hasMore={all.hasNextPage} loadingMore={all.isFetchingNextPage} onMore={all.more} actions={actions} />
      )}
      <CreateDiagram workspace={w.id ?? ''} opened={open?.what === 'create'} onClose={close} />
      <Matrix workspace={w} diagram={chosen('rights')} opened={open?.what === 'matrix' || open?.what === 'rights'} onClose={close} />
      <Comments diagram={chosen('comments')} onClose={close} />
      <Confirm opened={!!forced} onClose={close} title={t.forceTitle(forced?.name ?? '')} action={t.force} onConfirm={async () => { if (forced) await force.mutateAsync(forced) }}>{t.forceAbout(personName(forced?.checkedOutBy))}</Confirm>
      <Confirm opened={!!gone} onClose={close} title={t.deleteTitle(gone?.name ?? '')} action={t.delete} onConfirm={async () => { if (gone) await remove.mutateAsync(gone) }}>{t.deleteAbout}</Confirm>
    </>
  )
}
