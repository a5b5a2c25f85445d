import { useState } from 'react'
import { Badge, NativeSelect, Table, Text } from '@mantine/core'
import { absent, useLog } from '../../api/node'
import { Failure } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { ScrollBox } from '../../components/ScrollBox'
import { clock } from '../../lib/format'
import { texts } from '../../lib/texts'

const t = texts.operations.node
const hues: Record<string, string> = { error: 'red', warn: 'yellow', info: 'blue' }

/** Log shows the newest lines of a node's log, the newest on top. */
export function Log({ node }: { node: string }) {
  const [level, setLevel] = useState('')
  const log = useLog(node, level)
  const lines = [...(log.data?.lines ?? [])].reverse()
  return (
    <>
      <NativeSelect label={t.logLevel} value={level} onChange={(e) => setLevel(e.currentTarget.value)} data={[{ value: '', label: t.levelAll }, 'info', 'warn', 'error']} w={160} mb="xs" />
      {log.isPending && <Loading rows={4} />}
      {log.isError && (absent(log.error) ? <Text c="dimmed">{texts.operations.noData}</Text> : <Failure error={log.error} what={t.log} retry={log.refetch} />)}
      {log.data && lines.length === 0 && <Text c="dimmed" size="sm">{t.noLog}</Text>}
      {lines.length > 0 && (
        <div className="app-log">
          <ScrollBox label={t.log}>
            <Table verticalSpacing={4}>
              <Table.Thead><Table.Tr>{t.logColumns.map((c) => <Table.Th key={c} scope="col">{c}</Table.Th>)}</Table.Tr></Table.Thead>
              <Table.Tbody>
                {lines.map((l) => (
                  <Table.Tr key={l.number}>
                    <Table.Td>{l.time && <time dateTime={l.time}>{clock(new Date(l.time))}</time>}</Table.Td>
                    <Table.Td><Badge variant="light" size="sm" color={hues[(l.level ?? '').toLowerCase()] ?? 'gray'}>{l.level}</Badge></Table.Td>
                    <Table.Td>{l.message} <span className="app-mono app-step-kind">{(l.fields ?? []).map((f) => `${f.name}=${f.value}`).join(' ')}</span></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </ScrollBox>
        </div>
      )}
    </>
  )
}
