import { ActionIcon, Checkbox, Menu, Text } from '@mantine/core'
import type { RowData } from '@tanstack/react-table'
import { Fragment, useRef, useState } from 'react'
import { texts } from '../../lib/texts'
import { Icon } from '../Icon'
import type { ModelRow } from './model'
import type { Props, RowAction } from './types'

type RowProps<T extends RowData> = {
  row: ModelRow<T>
  table: Props<T>
  grid: string
  index: number
  narrow: boolean
  /** place is where a virtual row stands; undefined: in the flow. */
  place: { start: number; measure: (el: HTMLElement | null) => void } | undefined
  active: boolean
  selected: boolean
  onFocus: () => void
}

export function Row<T extends RowData>({ row, table, grid, index, narrow, place, active, selected, onFocus }: RowProps<T>) {
  const name = table.rowName(row.original)
  return (
    <div role="row" aria-rowindex={row.index + 2} data-index={index} data-selected={selected || undefined} data-openable={table.onOpen ? true : undefined}
      tabIndex={active ? 0 : -1} ref={place?.measure} onFocus={onFocus} onDoubleClick={() => table.onOpen?.(row.original)} className="dt-row"
      style={{ gridTemplateColumns: grid, ...(place ? { position: 'absolute', insetInline: 0, top: 0, transform: `translateY(${place.start}px)` } : {}) }}>
      {table.onSelect && <div role="cell"><Checkbox size="sm" aria-label={texts.common.select(name)} checked={selected} onChange={row.getToggleSelectedHandler()} /></div>}
      {table.columns.map((c) => (
        <div role="cell" key={c.id} className="dt-cell" data-sticky={c.sticky}>
          {narrow && <span className="dt-label">{c.header}</span>}
          <div className="dt-value">{c.cell(row.original)}</div>
        </div>
      ))}
      {table.actions && <div role="cell" className="dt-actions"><Actions name={name} actions={table.actions(row.original)} /></div>}
    </div>
  )
}

// Not keydown: the key that opens the menu would close it.
const menuEnds = ['mousedown', 'touchstart']

function Actions({ name, actions }: { name: string; actions: RowAction[] }) {
  const [opened, setOpened] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  if (actions.length === 0) return null
  // A dialog that an entry opens gives the focus back to what has it now.
  const act = (a: RowAction) => {
    setOpened(false)
    button.current?.focus()
    a.onClick()
  }
  return (
    <Menu opened={opened} onChange={setOpened} clickOutsideEvents={menuEnds} position="bottom-end" withinPortal withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <ActionIcon ref={button} variant="subtle" color="gray" size={30} aria-label={texts.common.actionsFor(name)} data-row-menu><Icon name="more" /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown maw={300}>
        {actions.map((a, i) => (
          <Fragment key={a.label}>
            {a.danger && i > 0 && <Menu.Divider />}
            <Menu.Item {...(a.danger ? { c: 'var(--mantine-color-error)' } : {})} disabled={!!a.reason} onClick={() => act(a)}>
              {a.label}
              {a.reason && <Text size="xs">{a.reason}</Text>}
            </Menu.Item>
          </Fragment>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
