import type { ReactNode } from 'react'
import { Alert, Button, Group, List, Text } from '@mantine/core'
import { Coded } from './Coded'
import { count } from '../lib/format'
import { texts } from '../lib/texts'
import { download } from '../lib/download'

/** Conflict shows what somebody else changed meanwhile, and leaves the choice. */
export function Conflict({ children, onReload, onApply }: { children: ReactNode; onReload: () => void; onApply?: () => void }) {
  const t = texts.common
  return (
    <Alert color="yellow" role="alert" title={t.conflict}>
      <div>{children}</div>
      <Group mt="xs">
        <Button size="xs" onClick={onReload}>{t.reload}</Button>
        {onApply && <Button size="xs" variant="default" onClick={onApply}>{t.applyAnyway}</Button>}
      </Group>
    </Alert>
  )
}

const shown = 20

/** Partial shows which of many were not done, and why; all of them can be downloaded. */
export function Partial({ done, failed, name }: { done: number; failed: { item: string; reason: string }[]; name: string }) {
  const t = texts.common
  if (failed.length === 0) return null
  const save = () => download(name, failed.map((f) => `${f.item}\t${f.reason}`).join('\n') + '\n', 'text/tab-separated-values')
  return (
    <Alert color="yellow" role="alert" title={t.partial(count(done), count(done + failed.length))}>
      <List size="sm">
        {failed.slice(0, shown).map((f, i) => <List.Item key={i}><Text span ff="monospace" size="sm">{f.item}</Text>: <Coded>{f.reason}</Coded></List.Item>)}
      </List>
      <Button mt="xs" size="xs" variant="default" onClick={save}>{t.download}</Button>
    </Alert>
  )
}
