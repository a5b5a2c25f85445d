import { useState, type KeyboardEvent } from 'react'
import { Combobox, Group, Pill, PillsInput, Text, useCombobox } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import { memberKey, memberKind, memberName } from '../../api/portal/words'
import { texts } from '../../lib/texts'

type Props = {
  label: string
  value: MemberJson[]
  onChange: (members: MemberJson[]) => void
  /** search finds who may be picked; it also gets the key of the list it is for. */
  search: (text: string, signal: AbortSignal) => Promise<readonly MemberJson[]>
  /** of names what is searched, so that answers are not mixed up. */
  of: string
  description?: string
  error?: string
  /** first gets the focus when a dialog opens. */
  first?: boolean
  /** onText is told what is typed, for hints below the field. */
  onText?: (text: string) => void
}

/** MemberPicker finds people and groups while one types; several may be picked. */
export function MemberPicker({ label, value, onChange, search, of, description, error, first, onText }: Props) {
  const t = texts.portal
  const [text, setText] = useState('')
  const [asked] = useDebouncedValue(text, 200)
  const box = useCombobox({ onDropdownClose: () => box.resetSelectedOption() })
  const found = useQuery({
    queryKey: ['portal', 'pick', of, asked],
    queryFn: ({ signal }) => search(asked, signal),
    enabled: box.dropdownOpened,
    placeholderData: (before) => before,
  })
  const taken = new Set(value.map(memberKey))
  // What was found for less text stays until the next answer, as far as it still fits.
  const fits = (m: MemberJson) => `${m.name}\n${m.email}`.toLowerCase().includes(text.toLowerCase())
  const options = (found.isPlaceholderData || text !== asked ? (found.data ?? []).filter(fits) : (found.data ?? [])).filter((m) => !taken.has(memberKey(m)))
  const type = (next: string) => {
    setText(next)
    onText?.(next)
    box.openDropdown()
    box.updateSelectedOptionIndex()
  }
  const add = (key: string) => {
    const m = options.find((o) => memberKey(o) === key)
    if (m) onChange([...value, m])
    type('')
    box.closeDropdown()
  }
  const drop = (m: MemberJson) => onChange(value.filter((v) => memberKey(v) !== memberKey(m)))
  const onKeyDown = (e: KeyboardEvent) => {
    const last = value.at(-1)
    if (e.key === 'Backspace' && text === '' && last) drop(last)
    // What is typed is nobody yet: Enter takes the first who fits, and does not send the form without him.
    if (e.key !== 'Enter' || text === '' || e.ctrlKey || e.metaKey || box.getSelectedOptionIndex() !== -1) return
    e.preventDefault()
    box.openDropdown()
    box.selectFirstOption()
  }
  return (
    <Combobox store={box} onOptionSubmit={add}>
      <Combobox.DropdownTarget>
        <PillsInput label={label} description={description} error={error} onClick={() => box.openDropdown()}>
          <Pill.Group>
            {value.map((m) => <Pill key={memberKey(m)} withRemoveButton onRemove={() => drop(m)} removeButtonProps={{ 'aria-label': `${texts.common.remove} ${memberName(m)}`, 'aria-hidden': false }}>{memberName(m)}</Pill>)}
            <Combobox.EventsTarget>
              <PillsInput.Field aria-label={label} placeholder={value.length ? '' : t.pick} value={text} onFocus={() => box.openDropdown()} onBlur={() => box.closeDropdown()}
                onChange={(e) => type(e.currentTarget.value)} {...(first ? { 'data-autofocus': true } : {})}
                onKeyDown={onKeyDown} />
            </Combobox.EventsTarget>
          </Pill.Group>
        </PillsInput>
      </Combobox.DropdownTarget>
      <Combobox.Dropdown>
        <Combobox.Options mah={260} style={{ overflowY: 'auto' }} aria-label={label}>
          {options.map((m) => (
            <Combobox.Option value={memberKey(m)} key={memberKey(m)}>
              <Group gap={8} wrap="nowrap" justify="space-between">
                <span>{memberName(m)}</span>
                <Text size="xs" c="dimmed" truncate>{m.email || memberKind(m)}</Text>
              </Group>
            </Combobox.Option>
          ))}
          {options.length === 0 && <Combobox.Empty>{found.isFetching ? t.searching : found.error ? found.error.message : t.nobody}</Combobox.Empty>}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  )
}
