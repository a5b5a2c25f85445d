import { useMemo, useState } from 'react'
import { createPaginatedRowModel, functionalUpdate, rowPaginationFeature, rowSelectionFeature, rowSortingFeature, tableFeatures, useTable, type Column, type ColumnDef, type Row, type RowData } from '@tanstack/react-table'
import type { Props } from './types'

const features = tableFeatures({ rowPaginationFeature, rowSelectionFeature, rowSortingFeature, paginatedRowModel: createPaginatedRowModel() })
const pageSize = 100

export type ModelRow<T extends RowData> = Row<typeof features, T>
export type ModelColumn<T extends RowData> = Column<typeof features, T>

/**
 * useModel is the table behind what is drawn: its rows and pages, what is
 * selected, and by what it is sorted. What is selected and the order are the
 * page's own, and the server sorts. Without pages all rows are one.
 */
export function useModel<T extends RowData>(p: Props<T>, pages: boolean) {
  const [turned, setTurned] = useState(0)
  // What a cell shows is not the model's matter: it would draw every cell anew when a page makes its columns again.
  const columns = useMemo(() => p.columns.map((c): ColumnDef<typeof features, T> => ({ id: c.id, accessorFn: (row) => row, enableSorting: c.sort ?? false })), [p.columns])
  const rowSelection = useMemo(() => Object.fromEntries([...(p.selected ?? [])].map((key) => [key, true as const])), [p.selected])
  const sorting = useMemo(() => (p.order ? [{ id: p.order.replace(/^-/, ''), desc: p.order.startsWith('-') }] : []), [p.order])
  const last = Math.max(Math.ceil(p.rows.length / pageSize) - 1, 0) // fewer rows fit a filter
  const pageIndex = pages ? Math.min(turned, last) : 0
  const pagination = useMemo(() => ({ pageIndex, pageSize: pages ? pageSize : Infinity }), [pageIndex, pages])
  return useTable({
    features,
    data: p.rows,
    columns,
    getRowId: p.rowKey,
    state: { rowSelection, sorting, pagination },
    onRowSelectionChange: (change) => p.onSelect?.(new Set(Object.keys(functionalUpdate(change, rowSelection)))),
    manualSorting: true,
    enableSorting: !!p.onOrder,
    enableSortingRemoval: false,
    enableMultiSort: false,
    sortDescFirst: false,
    onSortingChange: (change) => {
      for (const { id, desc } of functionalUpdate(change, sorting)) p.onOrder?.(desc ? '-' + id : id)
    },
    autoResetPageIndex: false, // more rows are no other rows
    onPaginationChange: (change) => setTurned(functionalUpdate(change, pagination).pageIndex),
  })
}
