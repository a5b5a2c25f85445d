import { List } from '@mantine/core'
import type { StepJson } from '../../api/gen/pemba/portal/v1/common_pb'

/** Why says by which relationships somebody has a right, from the object down to him. */
export function Why({ steps }: { steps: readonly StepJson[] | undefined }) {
  return (
    <List size="sm" type="ordered">
      {(steps ?? []).map((s, i) => <List.Item key={i} title={`${s.resource}#${s.relation}@${s.subject}`}>{s.sentence}</List.Item>)}
    </List>
  )
}
