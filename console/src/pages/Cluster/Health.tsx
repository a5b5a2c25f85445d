import { Alert } from '@mantine/core'
import type { StatusResponseJson } from '../../api/gen/pemba/v1/cluster_pb'
import { judge } from './health'

const colors = { good: 'green', warning: 'yellow', bad: 'red' } as const

export function Health({ status, now }: { status: StatusResponseJson; now: Date }) {
  const { level, sentence } = judge(status, now)
  return <Alert variant="light" color={colors[level]} title={sentence} mb="md" role="status" />
}
