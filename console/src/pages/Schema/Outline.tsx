import { useState } from 'react'
import { Text, TextInput } from '@mantine/core'
import type { SymbolJson, Symbol_KindJson } from '../../api/gen/pemba/console/v1/schema_tools_pb'
import { texts } from '../../lib/texts'
import { grouped } from './symbols'

const t = texts.schema
const marks: Record<Symbol_KindJson, string> = {
  KIND_UNSPECIFIED: '', KIND_DEFINITION: 'D', KIND_PARTIAL: 'P', KIND_CAVEAT: 'C', KIND_RELATION: 'r', KIND_PERMISSION: 'p', KIND_CONSTRAINT: 'c',
}
const words: Record<Symbol_KindJson, string> = {
  KIND_UNSPECIFIED: '', KIND_DEFINITION: 'definition', KIND_PARTIAL: 'partial', KIND_CAVEAT: 'caveat', KIND_RELATION: 'relation', KIND_PERMISSION: 'permission', KIND_CONSTRAINT: 'constraint',
}

/** Outline lists what the text declares. */
export function Outline({ symbols, current, onChoose }: { symbols: SymbolJson[]; current: SymbolJson | undefined; onChoose: (s: SymbolJson) => void }) {
  const [filter, setFilter] = useState('')
  const groups = grouped(symbols, filter)
  const entry = (s: SymbolJson) => (
    <button type="button" className="app-outline-item" aria-current={s === current || undefined} onClick={() => onChoose(s)}>
      <span className={`app-symbol app-symbol-${words[s.kind ?? 'KIND_UNSPECIFIED']}`} aria-hidden>{marks[s.kind ?? 'KIND_UNSPECIFIED']}</span>
      <span className="app-hidden">{words[s.kind ?? 'KIND_UNSPECIFIED']} </span>{s.name}
    </button>
  )
  return (
    <nav aria-label={t.outline} className="app-outline">
      <TextInput size="xs" type="search" aria-label={t.outlineFilter} placeholder={t.outlineFilter} value={filter} onChange={(e) => setFilter(e.currentTarget.value)} mb={6} />
      {symbols.length === 0 && <Text size="sm" c="dimmed">{t.outlineEmpty}</Text>}
      {symbols.length > 0 && groups.length === 0 && <Text size="sm" c="dimmed">{t.outlineNoMatch}</Text>}
      <ul className="app-rail-list">
        {groups.map((g, i) => (
          <li key={i}>
            {entry(g.head)}
            {g.members.length > 0 && <ul className="app-rail-list app-outline-members">{g.members.map((m, j) => <li key={j}>{entry(m)}</li>)}</ul>}
          </li>
        ))}
      </ul>
    </nav>
  )
}
