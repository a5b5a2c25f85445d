import { Button, Group, List, Text, Title } from '@mantine/core'
import type { SymbolJson } from '../../api/gen/pemba/console/v1/schema_tools_pb'
import { useRelation } from '../../api/schemaTools'
import { TextLink } from '../../components/links'
import { plural } from '../../lib/format'
import { texts } from '../../lib/texts'
import { parentOf } from './symbols'

const t = texts.schema
const shown = 12

type Props = { symbol: SymbolJson | undefined; symbols: SymbolJson[]; pinned: boolean; onPin: (pin: boolean) => void; onGo: (from: number) => void }

/** Inspector says of a name what it is, where it is used and what depends on it. */
export function Inspector({ symbol, symbols, pinned, onPin, onGo }: Props) {
  return (
    <aside aria-label={t.inspector} className="app-inspector">
      <Group justify="space-between" mb={6}>
        <Title order={2} size="h6">{t.inspector}</Title>
        {symbol && <Button size="compact-xs" variant="default" aria-pressed={pinned} onClick={() => onPin(!pinned)}>{pinned ? t.unpin : t.pin}</Button>}
      </Group>
      {symbol ? <Facts symbol={symbol} parent={parentOf(symbols, symbol)} onGo={onGo} /> : <Text size="sm" c="dimmed">{t.inspectorNothing}</Text>}
    </aside>
  )
}

function Facts({ symbol, parent, onGo }: { symbol: SymbolJson; parent: SymbolJson | undefined; onGo: (from: number) => void }) {
  const member = symbol.kind === 'KIND_RELATION' || symbol.kind === 'KIND_PERMISSION'
  const used = symbol.used ?? []
  return (
    <>
      <Text className="app-mono" size="sm">{symbol.declaration}</Text>
      {symbol.doc && <Text size="sm" mt={6} style={{ whiteSpace: 'pre-line' }}>{symbol.doc}</Text>}
      {used.length > 0 && (
        <Text size="sm" mt="xs">
          {t.usedAt(plural(used.length, 'time'))}: {used.slice(0, shown).map((u, i) => (
            <span key={i}>{i > 0 && ', '}<button type="button" className="app-link-button" onClick={() => onGo(u.from ?? 0)}>{t.line(u.startLine ?? 0)}</button></span>
          ))}
        </Text>
      )}
      {member && parent && <Live definition={parent.name ?? ''} relation={symbol.name ?? ''} stored={symbol.kind === 'KIND_RELATION'} />}
    </>
  )
}

function Live({ definition, relation, stored }: { definition: string; relation: string; stored: boolean }) {
  const r = useRelation(definition, relation)
  if (r.isError) return <Text size="sm" c="dimmed" mt="xs">{t.notLive}</Text>
  if (!r.data) return null
  return (
    <>
      {stored && (
        <Text size="sm" mt="xs">
          {t.stored(Number(r.data.relationships ?? 0))} <TextLink to="/workbench/relationships" search={{ filter: `${definition}#${relation}` }} size="sm">{t.browse}</TextLink>
        </Text>
      )}
      <Names title={t.subjects} names={r.data.subjectTypes ?? []} />
      <Names title={t.reaches} names={r.data.reaches ?? []} />
      <Names title={t.needs} names={r.data.needs ?? []} />
    </>
  )
}

function Names({ title, names }: { title: string; names: string[] }) {
  if (names.length === 0) return null
  return (
    <>
      <Title order={3} size="h6" mt="xs">{title}</Title>
      <List size="sm" listStyleType="none">{names.slice(0, shown).map((n) => <List.Item key={n} className="app-mono">{n}</List.Item>)}</List>
      {names.length > shown && <Text size="xs" c="dimmed">+ {names.length - shown}</Text>}
    </>
  )
}
