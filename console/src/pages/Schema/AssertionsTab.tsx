import { useState } from 'react'
import { Badge, Button, Group, Stack, Table, Text } from '@mantine/core'
import { useAssertions, useDeleteAssertions, useRunAssertions } from '../../api/assertions'
import type { AssertionJson, AssertionSetJson } from '../../api/gen/pemba/console/v1/assertions_pb'
import { atLeast, useMe } from '../../api/me'
import { Confirm } from '../../components/Confirm'
import { Empty } from '../../components/Empty'
import { Failure } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { ScrollBox } from '../../components/ScrollBox'
import { WriteButton } from '../../components/WriteButton'
import { sameAssertion } from '../../lib/assertions'
import { count, plural } from '../../lib/format'
import { texts } from '../../lib/texts'

const t = texts.schema
const answers = texts.explanation.words

/** AssertionsTab shows the assertions that are kept, and asks them. */
export function AssertionsTab() {
  const sets = useAssertions()
  const run = useRunAssertions()
  const remove = useDeleteAssertions()
  const mayWrite = atLeast(useMe().workbench, 'write')
  const [going, setGoing] = useState<AssertionSetJson>()
  if (sets.isPending) return <Loading rows={3} />
  if (sets.isError) return <Failure error={sets.error} what={t.tabs.assertions} retry={sets.refetch} />
  if (sets.data.length === 0) return <Empty kind="nothing" title={t.noAssertions}>{t.noAssertionsHint}</Empty>
  // A set may have changed since: what was asked has to be what stands here.
  const result = (set: string | undefined, a: AssertionJson) => run.data?.results?.find((r) => r.set === set && r.assertion && sameAssertion(r.assertion, a))?.outcome
  return (
    <Stack gap="xs" p="xs">
      <Group>
        <Button size="compact-sm" onClick={() => run.mutate()} loading={run.isPending}>{t.run}</Button>
        {run.data && <Text size="sm" role="status">{t.ran(count(run.data.passed ?? 0), count(run.data.failed ?? 0))}</Text>}
      </Group>
      {run.isError && <Failure error={run.error} what={t.run} />}
      {sets.data.map((s) => (
        <div key={s.name}>
          <Group justify="space-between"><Text fw={600} size="sm">{s.name}</Text>{mayWrite && <WriteButton size="compact-xs" variant="default" onClick={() => setGoing(s)}>{texts.common.delete}</WriteButton>}</Group>
          {s.fault && <Text size="sm">{s.fault}</Text>}
          <ScrollBox label={s.name ?? ''}>
            <Table verticalSpacing={4}>
              <Table.Tbody>
                {(s.assertions ?? []).map((a, i) => {
                  const o = result(s.name, a)
                  return (
                    <Table.Tr key={i}>
                      <Table.Td className="app-mono">{a.text}{a.note && <Text size="xs" c="dimmed" ff="text">{a.note}</Text>}</Table.Td>
                      <Table.Td>{answers[a.expected ?? 'ANSWER_UNSPECIFIED']}</Table.Td>
                      <Table.Td>{o && <Badge variant="light" color={o.passed ? 'green' : 'red'}>{o.passed ? `✓ ${t.holds}` : `✕ ${t.fails}: ${o.error || answers[o.answer ?? 'ANSWER_UNSPECIFIED']}`}</Badge>}</Table.Td>
                    </Table.Tr>
                  )
                })}
              </Table.Tbody>
            </Table>
          </ScrollBox>
        </div>
      ))}
      <Confirm opened={going !== undefined} onClose={() => setGoing(undefined)} title={t.removeSet(going?.name ?? '')} action={texts.common.delete} onConfirm={() => remove.mutateAsync(going?.name ?? '')}>
        {t.removeSetEffect(plural(going?.assertions?.length ?? 0, 'assertion'))}
      </Confirm>
    </Stack>
  )
}
