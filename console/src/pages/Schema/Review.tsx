import { Alert, List, Stack, Text } from '@mantine/core'
import type { ReviewSchemaResponseJson } from '../../api/gen/pemba/console/v1/schema_tools_pb'
import { useReview } from '../../api/schemaTools'
import { Failure } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { list } from '../../lib/format'
import { texts } from '../../lib/texts'
import { Changes } from './Changes'

const t = texts.schema
const answers = texts.explanation.words

/** Review is what a text would change, and what stands against it. */
export function Review({ text, sound }: { text: string; sound: boolean }) {
  const review = useReview(text, sound)
  if (!sound) return <Text size="sm" p="xs">{t.writeFirst}</Text>
  if (review.isPending) return <Loading rows={3} label={t.reviewing} />
  if (review.isError) return <Failure error={review.error} what={t.reviewing} retry={review.refetch} />
  return <Reviewed review={review.data} />
}

export function Reviewed({ review: r }: { review: ReviewSchemaResponseJson }) {
  const changes = r.changes ?? []
  const assertions = r.assertions ?? []
  return (
    <Stack gap="xs" p="xs">
      {r.blocked && <Alert color="red" variant="light" title={t.blocked} />}
      {changes.length === 0 ? <Text size="sm">{t.unchanged}</Text> : <Changes changes={changes} />}
      {(r.unjudged?.length ?? 0) > 0 && <Alert color="yellow" variant="light" title={t.unjudged(list(r.unjudged ?? []))} />}
      {(r.assertionsRun ?? 0) > 0 && (
        <div>
          <Text size="sm" fw={600}>{t.assertionsRun(r.assertionsRun ?? 0)}. {assertions.length === 0 && t.assertionsSame}</Text>
          <List size="sm">
            {assertions.map((a, i) => (
              <List.Item key={i}>
                <span className="app-mono">{a.assertion?.text}</span>: {t.assertionChanges(a.now?.error || answers[a.now?.answer ?? 'ANSWER_UNSPECIFIED'], a.then?.error || answers[a.then?.answer ?? 'ANSWER_UNSPECIFIED'])}
                {a.then && !a.then.passed && <b>, {t.fails}</b>}
              </List.Item>
            ))}
          </List>
        </div>
      )}
    </Stack>
  )
}
