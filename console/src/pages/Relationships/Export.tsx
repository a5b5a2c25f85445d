import { useEffect, useRef, useState } from 'react'
import { Button, Group, Stack, Text } from '@mantine/core'
import { exportAll } from '../../api/browse'
import { Failure } from '../../components/Failure'
import { download } from '../../lib/download'
import { filterText, type Filter } from '../../lib/filter'
import { count } from '../../lib/format'
import { relationshipText } from '../../lib/relationship'
import { texts } from '../../lib/texts'

const t = texts.relationships

/** Export writes what a filter selects, or everything, into a file. */
export function Export({ filter, onDone }: { filter: Filter; onDone: () => void }) {
  const [n, setN] = useState<number>()
  const [error, setError] = useState<unknown>()
  const stop = useRef<AbortController>(null)
  useEffect(() => () => stop.current?.abort(), []) // nobody looks any more
  const run = async () => {
    const ctl = new AbortController()
    stop.current = ctl
    const lines: string[] = []
    setError(undefined)
    setN(0)
    try {
      for await (const rows of exportAll(filter, ctl.signal)) {
        for (const r of rows) lines.push(relationshipText(r))
        setN(lines.length)
      }
      download('relationships.txt', lines.join('\n') + '\n', 'text/plain')
      onDone()
    } catch (e) {
      if (!ctl.signal.aborted) setError(e)
    } finally {
      setN(undefined)
    }
  }
  return (
    <Stack>
      <Text size="sm">{t.exportHint}</Text>
      {filterText(filter) && <Text className="app-mono" size="sm">{filterText(filter)}</Text>}
      {n !== undefined && <Text role="status" size="sm">{t.exported(count(n))}</Text>}
      {error !== undefined && <Failure error={error} what={t.export} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={() => (n === undefined ? onDone() : stop.current?.abort())}>{n === undefined ? texts.common.cancel : texts.common.stop}</Button>
        <Button loading={n !== undefined} onClick={() => void run()} data-autofocus>{t.export}</Button>
      </Group>
    </Stack>
  )
}
