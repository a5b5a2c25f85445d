import { Fieldset, Group, Select, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { Caveat } from '../../api/schema'
import { texts } from '../../lib/texts'

const t = texts.workbench.check

function read(text: string): Record<string, unknown> {
  try {
    const v: unknown = JSON.parse(text || '{}')
    return typeof v === 'object' && v !== null && !Array.isArray(v) ? { ...v } : {}
  } catch {
    return {}
  }
}

/** valueOf takes what was typed as JSON where the parameter is no text. */
function valueOf(type: string, text: string): unknown {
  if (['string', 'ipaddress', 'timestamp', 'duration', 'bytes'].includes(type)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** ContextFields is a form of the parameters of a caveat, over the JSON of the context. */
export function ContextFields({ caveats, value, onChange }: { caveats: Caveat[]; value: string; onChange: (value: string) => void }) {
  const [name, setName] = useState<string | null>(caveats.length === 1 ? (caveats[0]?.name ?? null) : null)
  if (caveats.length === 0) return null
  const chosen = caveats.find((c) => c.name === name)
  const context = read(value)
  const set = (parameter: string, type: string, text: string) => {
    const next = { ...context }
    if (text === '') Reflect.deleteProperty(next, parameter)
    else next[parameter] = valueOf(type, text)
    onChange(Object.keys(next).length === 0 ? '' : JSON.stringify(next))
  }
  const shown = (v: unknown): string => (v === undefined ? '' : typeof v === 'string' ? v : JSON.stringify(v))
  return (
    <Fieldset legend={t.parameters} mb="sm" p="sm">
      <Select label={t.caveat} data={caveats.map((c) => c.name)} value={name} onChange={setName} clearable maw={320} />
      {chosen && (
        <Group mt="xs" align="flex-end">
          {chosen.parameters.map((p) => (
            <TextInput key={p.name} label={p.name} description={p.type} value={shown(context[p.name])} onChange={(e) => set(p.name, p.type, e.currentTarget.value)} />
          ))}
        </Group>
      )}
    </Fieldset>
  )
}
