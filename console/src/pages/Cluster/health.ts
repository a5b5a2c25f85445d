import type { StatusResponseJson } from '../../api/gen/pemba/v1/cluster_pb'
import { ago } from '../../lib/format'
import { texts } from '../../lib/texts'

export type Verdict = { level: 'good' | 'warning' | 'bad'; sentence: string }

/** judge puts the state of a cluster into one sentence. */
export function judge(s: StatusResponseJson, now: Date): Verdict {
  const t = texts.operations.cluster
  const members = s.members ?? []
  if (s.notServing) return { level: 'bad', sentence: t.notServing(s.notServing) }
  const leader = members.find((m) => m.id === s.leader)
  if (!s.leader) return { level: 'bad', sentence: t.noLeader }
  const name = leader?.name || s.leader
  const since = leader?.since ? ago(new Date(leader.since), now) : ''
  const voters = members.filter((m) => m.voter).length
  const sick = members.filter((m) => !m.healthy).map((m) => m.name || m.id || '')
  const lose = t.canLose(s.failureTolerance ?? 0, voters)
  if (sick.length > 0) return { level: 'warning', sentence: `${t.sick(sick)} ${t.leader(name, since)} ${lose}` }
  return { level: 'good', sentence: `${t.healthy} ${t.leader(name, since)} ${lose}` }
}
