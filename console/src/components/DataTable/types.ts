import type { ReactNode } from 'react'

/** Column is one column; its cells are drawn from the row alone. */
export type Column<T> = {
  id: string
  header: string
  cell: (row: T) => ReactNode
  /** width is a track of CSS grid, such as "120px" or "minmax(120px, 2fr)"; default 1fr. */
  width?: string
  /** sort: the server sorts by it, and calls it as id does. */
  sort?: true
  /** sticky keeps it in view where the columns are wider than the window. */
  sticky?: true
}

/** RowAction is one entry of the menu of a row; reason says why it is not possible. */
export type RowAction = { label: string; onClick: () => void; danger?: boolean; reason?: string }

export type Props<T> = {
  label: string
  columns: Column<T>[]
  rows: T[]
  rowKey: (row: T) => string
  /** rowName names a row for people who do not see it: "Claims". */
  rowName: (row: T) => string
  /** total is how many rows there are; undefined: unknown, and more means more. */
  total?: number | undefined
  hasMore?: boolean
  /** counted: the page itself says how many there are. */
  counted?: true
  loadingMore?: boolean
  onMore?: () => void
  onOpen?: (row: T) => void
  actions?: (row: T) => RowAction[]
  selected?: ReadonlySet<string>
  onSelect?: (selected: Set<string>) => void
  /** order is the id of a column, with "-" before it for the other way round. */
  order?: string
  onOrder?: (order: string) => void
}
