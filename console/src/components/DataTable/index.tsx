import { useRef } from 'react'
import { Button, Checkbox, Group, Paper, Switch, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import type { RowData } from '@tanstack/react-table'
import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual'
import { count } from '../../lib/format'
import { prefer, usePreferences } from '../../lib/preferences'
import { texts } from '../../lib/texts'
import { Row } from './Row'
import { useRowKeys } from './keys'
import { useModel, type ModelColumn } from './model'
import type { Props } from './types'
import './table.css'

export type { Column, RowAction } from './types'

const ahead = 30 // rows before the end at which more are asked for
const t = texts.common

/**
 * DataTable shows rows of which there may be very many: only those in view are
 * drawn, more are asked for near the end. j and k, or the arrows, move; Enter
 * opens; x selects; "." opens the menu. On narrow screens a row is a card.
 */
export function DataTable<T extends RowData>(p: Props<T>) {
  const { pages } = usePreferences()
  const narrow = useMediaQuery('(max-width: 48em)') ?? false
  const scroller = useRef<HTMLDivElement>(null)
  const table = useModel(p, pages)
  const shown = table.getRowModel().rows
  const start = shown[0]?.index ?? 0
  const page = table.state.pagination.pageIndex
  const keys = useRowKeys({
    count: shown.length,
    scroller,
    scrollTo: (i) => { if (!pages) virtual.scrollToIndex(i) },
    onOpen: (i) => { const row = shown[i]; if (row) p.onOpen?.(row.original) },
    onToggle: (i) => shown[i]?.toggleSelected(),
  })
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing here is compiled to keep values
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (narrow ? 40 * p.columns.length : 44),
    overscan: 10,
    // The row that has the focus stays, wherever one scrolls: with it the focus would be lost, and the keys with that.
    rangeExtractor: (r) => [...new Set([...defaultRangeExtractor(r), Math.min(keys.active, r.count - 1)])].sort((a, b) => a - b),
    enabled: !pages,
    initialRect: { width: 800, height: 600 },
    onChange: (v) => {
      if (v.range && v.range.endIndex >= shown.length - ahead && p.hasMore && !p.loadingMore) p.onMore?.()
    },
  })
  const grid = [p.onSelect ? '36px' : '', ...p.columns.map((c) => c.width ?? 'minmax(90px, 1fr)'), p.actions ? '44px' : ''].filter(Boolean).join(' ')
  const known = p.total ?? (p.hasMore ? -1 : p.rows.length)
  const all = table.getIsAllPageRowsSelected()
  const drawRow = (index: number, place?: { start: number; measure: (el: HTMLElement | null) => void }) => {
    const row = shown[index]
    return row && (
      <Row key={row.id} row={row} table={p} grid={grid} index={index} narrow={narrow} place={place}
        active={keys.active === index} selected={row.getIsSelected()} onFocus={() => keys.setActive(index)} />
    )
  }
  return (
    <div className="dt">
      <Group justify={p.counted ? 'flex-end' : 'space-between'} gap="xs" mb={6}>
        {!p.counted && <Text size="sm" c="dimmed" role="status">
          {p.total === undefined ? t.rows(count(p.rows.length), p.hasMore ?? false) : t.rows(count(p.total), false)}
          {p.selected && p.selected.size > 0 && `, ${t.selected(count(p.selected.size))}`}
          {p.loadingMore && ` · ${t.loadingMore}`}
        </Text>}
        {(p.rows.length > 30 || pages) && <Switch size="xs" label={t.pages} checked={pages} onChange={(e) => prefer({ pages: e.currentTarget.checked })} />}
      </Group>
      <Paper withBorder className={pages ? 'dt-scroll dt-pages' : 'dt-scroll'} ref={scroller} role="region" tabIndex={0} aria-label={`${p.label}, can be scrolled`} onKeyDown={keys.onKeyDown}>
        <div role="table" aria-label={p.label} aria-rowcount={known < 0 ? -1 : known + 1} className={narrow ? 'dt-table dt-narrow' : 'dt-table'}>
          <div role="rowgroup" className="dt-head">
            <div role="row" aria-rowindex={1} className="dt-row" style={{ gridTemplateColumns: grid }}>
              {p.onSelect && (
                <div role="columnheader">
                  <Checkbox size="sm" aria-label={t.selectAll} checked={all} indeterminate={!all && table.getIsSomeRowsSelected()}
                    onChange={table.getToggleAllPageRowsSelectedHandler()} />
                </div>
              )}
              {p.columns.map((c) => <Header key={c.id} header={c.header} sticky={c.sticky} column={table.getColumn(c.id)} />)}
              {p.actions && <div role="columnheader"><span className="dt-hidden">{t.actions}</span></div>}
            </div>
          </div>
          <div role="rowgroup" className="dt-body" style={pages ? undefined : { height: virtual.getTotalSize(), position: 'relative' }}>
            {pages
              ? shown.map((_, i) => drawRow(i))
              : virtual.getVirtualItems().map((v) => drawRow(v.index, { start: v.start, measure: virtual.measureElement }))}
          </div>
        </div>
      </Paper>
      {pages && (
        <Group mt="xs" justify="flex-end">
          <Turn can={table.getCanPreviousPage()} onClick={table.previousPage}>{t.previous}</Turn>
          <Text size="sm" role="status">{count(start + 1)}–{count(start + shown.length)}</Text>
          <Turn can={(table.getCanNextPage() || (p.hasMore ?? false)) && !p.loadingMore}
            onClick={() => { if (page + 2 >= table.getPageCount()) p.onMore?.(); table.nextPage() }}>{t.next}</Turn>
        </Group>
      )}
    </div>
  )
}

/** Turn keeps the focus also where there is no further page, or none so far. */
const Turn = ({ can, onClick, children }: { can: boolean; onClick: () => void; children: string }) =>
  <Button size="xs" variant="default" {...(can ? { onClick } : { 'data-disabled': true, 'aria-disabled': true })}>{children}</Button>

function Header<T extends RowData>({ header, sticky, column }: { header: string; sticky: true | undefined; column: ModelColumn<T> | undefined }) {
  if (!column?.getCanSort()) return <div role="columnheader" data-sticky={sticky}>{header}</div>
  const now = column.getIsSorted()
  return (
    <div role="columnheader" data-sticky={sticky} {...(now ? { 'aria-sort': now === 'asc' ? 'ascending' : 'descending' } : {})}>
      <button type="button" className="dt-sort" onClick={column.getToggleSortingHandler()}>
        {header}<span aria-hidden>{now === 'asc' ? ' ▲' : now === 'desc' ? ' ▼' : ''}</span>
      </button>
    </div>
  )
}
