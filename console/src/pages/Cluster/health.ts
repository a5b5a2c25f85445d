import type { MemberJson, StatusResponseJson } from '../../api/gen/pemba/v1/cluster_pb'
import { seconds, span } from '../../lib/format'
import { texts } from '../../lib/texts'

const t = texts.operations.cluster
const clocksMayDiffer = 0.5 // seconds

/** Verdict is the state in one sentence, which stays as it is while the state does; since is when the leader started, advice is what to do. */
export type Verdict = { level: 'good' | 'warning' | 'bad'; sentence: string; since?: string; advice?: string }

/** nameOf is what people call a member: with its address where two have the same name. */
export function nameOf(m: MemberJson | undefined, all: MemberJson[] = []): string {
  if (!m?.name) return m?.id ?? ''
  return all.filter((x) => x.name === m.name).length > 1 ? `${m.name} (${m.address})` : m.name
}

/** judge puts the state of a cluster into one sentence. */
export function judge(s: StatusResponseJson): Verdict {
  const members = s.members ?? []
  const advice = s.leader ? {} : { advice: t.withoutLeader }
  if (s.notServing) return { level: 'bad', sentence: t.notServing(s.notServing), ...advice }
  if (!s.leader) return { level: 'bad', sentence: t.noLeader, ...advice }
  const leader = members.find((m) => m.id === s.leader)
  const since = leader?.since ? { since: leader.since } : {}
  const voters = members.filter((m) => m.voter).length
  const sick = members.filter((m) => !m.healthy).map((m) => nameOf(m, members))
  const rest = `${t.leader(nameOf(leader, members) || s.leader)} ${t.canLose(s.failureTolerance ?? 0, voters)}`
  return sick.length > 0 ? { level: 'warning', sentence: `${t.sick(sick)} ${rest}`, ...since } : { level: 'good', sentence: `${t.healthy} ${rest}`, ...since }
}

/** warnings are what is not wrong yet: different builds, clocks that differ. */
export function warnings(s: StatusResponseJson): string[] {
  const found: string[] = []
  const builds = [...new Set((s.members ?? []).map((m) => m.build ?? '').filter(Boolean))]
  if (builds.length > 1) found.push(t.skewVersion(builds))
  const skewed = (s.members ?? []).filter((m) => Math.abs(seconds(m.clockSkew) ?? 0) > clocksMayDiffer)
  if (skewed.length > 0) found.push(t.skewClock(skewed.map((m) => nameOf(m, s.members)), span(Math.max(...skewed.map((m) => Math.abs(seconds(m.clockSkew) ?? 0))))))
  return found
}

/** whyNotRemove says why a member should not be removed now; empty: it may. */
export function whyNotRemove(s: StatusResponseJson, m: MemberJson): string {
  if (!m.voter) return ''
  const voters = (s.members ?? []).filter((x) => x.voter && x.id !== m.id)
  const healthy = voters.filter((x) => x.healthy).length
  return healthy > voters.length / 2 ? '' : t.removeQuorum
}
