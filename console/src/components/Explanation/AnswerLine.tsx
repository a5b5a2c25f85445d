import { Alert, Text } from '@mantine/core'
import type { ExplainResponseJson } from '../../api/gen/pemba/v1/explain_service_pb'
import { moment } from '../../lib/format'
import { subjectText, objectText } from '../../lib/relationship'
import { answerOf, tree, way, type Answer } from '../../lib/steps'
import { texts } from '../../lib/texts'

const t = texts.explanation
export const colors: Record<Answer, string> = { yes: 'green', no: 'red', conditional: 'violet', undecided: 'yellow' }
export const marks: Record<Answer, string> = { yes: '✓', no: '✕', conditional: '?', undecided: '!' }

/** sentence says in one sentence how the answer came about. */
export function sentence(r: ExplainResponseJson): string {
  if (r.undecided) return r.undecided
  const root = tree(r.steps ?? [])
  const found = root && way(root)
  if (answerOf(r.permissionship) === 'no' || !found) return t.refused
  if (found.relationships.length === 0) return t.grantedHow
  const parts = found.relationships.map((x) => t.is(subjectText(x.subject), x.relation ?? '', objectText(x.resource))).reverse()
  return t.because(parts) + (found.more ? ' ' + t.more : '')
}

/** AnswerLine is the answer, first in a word, then in a sentence. */
export function AnswerLine({ answer: r }: { answer: ExplainResponseJson }) {
  const answer = r.undecided ? 'undecided' : answerOf(r.permissionship)
  const missing = r.partialCaveatInfo?.missingRequiredContext ?? []
  const title = { yes: t.granted, no: t.notGranted, conditional: t.dependsOn(missing), undecided: t.undecided }[answer]
  return (
    <Alert color={colors[answer]} variant="light" role="status" title={`${marks[answer]} ${title}`} data-answer={answer} classNames={{ title: 'app-answer' }}>
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{sentence(r)}</Text>
      {r.expiresAt && <Text size="sm" c="dimmed">{t.until(moment(new Date(r.expiresAt)))}</Text>}
    </Alert>
  )
}
