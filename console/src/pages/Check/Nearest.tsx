import { useState } from 'react'
import { Group, List, Paper, Text, Title } from '@mantine/core'
import { useWrite } from '../../api/relationships'
import { useMe, atLeast } from '../../api/me'
import type { RelationshipUpdateJson } from '../../api/gen/authzed/api/v1/core_pb'
import type { RemedyJson } from '../../api/gen/pemba/v1/explain_service_pb'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { WriteButton } from '../../components/WriteButton'
import { relationshipText } from '../../lib/relationship'
import { texts } from '../../lib/texts'

const t = texts.explanation

function say(u: RelationshipUpdateJson): string {
  const text = u.relationship ? relationshipText(u.relationship) : ''
  return u.operation === 'OPERATION_DELETE' ? t.removes(text) : t.adds(text)
}

/** Nearest offers the changes that would have turned a refusal. */
export function Nearest({ remedies, past }: { remedies: RemedyJson[]; past: boolean }) {
  const [chosen, setChosen] = useState<RemedyJson>()
  const write = useWrite()
  const mayWrite = atLeast(useMe().workbench, 'write')
  if (remedies.length === 0) return null
  const apply = async () => {
    await write.mutateAsync({ updates: (chosen?.changes ?? []).map((c) => ({ ...c, operation: c.operation === 'OPERATION_DELETE' ? c.operation : 'OPERATION_TOUCH' })) })
    saved(t.applied)
  }
  return (
    <Paper withBorder p="md" component="section" aria-labelledby="nearest">
      <Title order={2} size="h5" id="nearest">{t.nearest}</Title>
      <Text size="sm" c="dimmed" mb="xs">{t.nearestHint}</Text>
      <List listStyleType="none" spacing={6} data-nearest>
        {remedies.map((r, i) => {
          const changes = (r.changes ?? []).map(say)
          return (
            <List.Item key={i} classNames={{ itemWrapper: 'app-wide', itemLabel: 'app-wide' }}>
              <Group justify="space-between" wrap="nowrap">
                <span>{changes.map((c) => <span key={c} className="app-mono app-block">{c}</span>)}</span>
                {mayWrite && !past && <WriteButton size="compact-sm" variant="default" onClick={() => setChosen(r)} aria-label={`${t.addIt}: ${changes.join(', ')}`}>{t.addIt}</WriteButton>}
              </Group>
            </List.Item>
          )
        })}
      </List>
      <Confirm opened={chosen !== undefined} onClose={() => setChosen(undefined)} title={t.applyTitle} action={t.addIt} danger={false} onConfirm={apply}>
        {(chosen?.changes ?? []).map((c) => <Text key={say(c)} className="app-mono" size="sm">{say(c)}</Text>)}
        <Text size="sm" mt="xs">{t.applyEffect}</Text>
      </Confirm>
    </Paper>
  )
}
