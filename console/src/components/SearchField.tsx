import { useEffect, useState } from 'react'
import { TextInput, type MantineStyleProps } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { Icon } from './Icon'

/** SearchField is the search of a page, which "/" leads to. What is typed counts after a moment; value is what the address says. */
export function SearchField({ label, value = '', onChange, w }: { label: string; value: string | undefined; onChange: (search: string) => void; w?: MantineStyleProps['w'] }) {
  const [typed, setTyped] = useState(value)
  const [asked] = useDebouncedValue(typed, 250)
  const [given, setGiven] = useState(value)
  if (given !== value) { // the address changed: back, or the filter was cleared
    setGiven(value)
    if (value !== asked) setTyped(value)
  }
  useEffect(() => {
    if (asked === typed && asked !== value) onChange(asked)
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only what was typed is news
  }, [asked])
  return <TextInput aria-label={label} placeholder={label} type="search" value={typed} onChange={(e) => setTyped(e.currentTarget.value)} leftSection={<Icon name="search" />} w={w ?? { base: '100%', xs: 240 }} />
}
