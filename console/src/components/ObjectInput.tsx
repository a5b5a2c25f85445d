import { Autocomplete } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { stream } from '../api/client'
import { consistency } from '../api/freshness'
import type { ReadRelationshipsResponseJson } from '../api/gen/authzed/api/v1/permission_service_pb'
import { useOutline } from '../api/schema'
import { objectText, subjectText } from '../lib/relationship'

type Kind = 'resource' | 'subject'
type Props = { kind: Kind; label: string; value: string; onChange: (value: string) => void; error?: string; description?: string; placeholder?: string; /** first gets the focus of a dialog. */ first?: boolean; /** data-path is the name of the field in its form. */ 'data-path'?: string }

const asked = 200 // relationships that are looked at for suggestions
const offered = 12

/** idsOf reads some relationships of a type for the objects in them. */
async function idsOf(kind: Kind, type: string, prefix: string, signal: AbortSignal): Promise<string[]> {
  const filter = kind === 'resource' ? { resourceType: type, ...(prefix ? { optionalResourceIdPrefix: prefix } : {}) } : { optionalSubjectFilter: { subjectType: type } }
  const found = new Set<string>()
  const lines = stream<ReadRelationshipsResponseJson>('POST', '/v1/relationships/read', { consistency: consistency(), relationshipFilter: filter, optionalLimit: asked }, { signal })
  for await (const m of lines) found.add(kind === 'resource' ? objectText(m.relationship?.resource) : subjectText(m.relationship?.subject))
  return [...found]
}

/** ObjectInput takes an object as TYPE:ID, and offers types, and ids that exist. */
export function ObjectInput({ kind, label, value, onChange, error, description, placeholder, first = false, ...rest }: Props) {
  const types = (useOutline().data?.definitions ?? []).map((d) => d.name)
  const [settled] = useDebouncedValue(value, 200)
  const colon = settled.indexOf(':')
  const type = colon < 0 ? '' : settled.slice(0, colon)
  const ids = useQuery({
    queryKey: ['ids', kind, type, kind === 'resource' ? settled.slice(colon + 1) : ''],
    queryFn: ({ signal }) => idsOf(kind, type, settled.slice(colon + 1), signal),
    enabled: types.includes(type),
    staleTime: 30_000,
    retry: false, // what cannot be offered is typed
    placeholderData: (old) => old,
  })
  const data = value.includes(':') ? (ids.data ?? []) : types.map((t) => t + ':')
  return (
    <Autocomplete {...rest} label={label} value={value} onChange={onChange} data={[...new Set(data)]} limit={offered} placeholder={placeholder ?? ''}
      {...(first ? { 'data-autofocus': true } : {})} {...(error ? { error } : {})} {...(description ? { description } : {})} autoComplete="off" spellCheck={false} classNames={{ input: 'app-mono' }} />
  )
}
