import { useState } from 'react'
import { Select } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { may, useMe } from '../../api/me'
import { somePeople, useUser, userName } from '../../api/portal/people'
import { texts } from '../../lib/texts'

const t = texts.company.audit

/** PickActor finds the person whose records are meant. */
export function PickActor({ id, onPick }: { id: string | undefined; onPick: (id: string | null) => void }) {
  const me = useMe()
  const [text, setText] = useState('')
  const [asked] = useDebouncedValue(text, 200)
  const found = useQuery({ queryKey: ['portal', 'actors', asked], queryFn: ({ signal }) => somePeople(asked, signal), enabled: may(me, 'list_users') })
  const chosen = useUser(id ?? '', !!id)
  const own = id && chosen.data?.user ? [chosen.data.user] : []
  const all = [...own, ...(found.data ?? []).filter((u) => u.id !== id)]
  return (
    <Select label={t.who} placeholder={t.anybody} clearable searchable value={id ?? null} onChange={onPick} onSearchChange={setText} filter={({ options }) => options} w={200}
      data={all.map((u) => ({ value: u.id ?? '', label: `${userName(u)}, ${u.email ?? ''}` }))} nothingFoundMessage={texts.company.nobody} />
  )
}
