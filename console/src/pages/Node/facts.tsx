import type { CacheJson, DatabaseJson, RaftJson, RuntimeJson } from '../../api/gen/pemba/console/v1/node_pb'
import type { Fact } from '../../components/Facts'
import { ago, bytes, count, seconds, span } from '../../lib/format'

// Names of the facts stand here, beside where they come from.
const time = (d: string | undefined): string | undefined => {
  const s = seconds(d)
  return s === undefined ? undefined : span(s)
}
const since = (at: string | undefined) => (at ? <time dateTime={at}>{ago(new Date(at), new Date())}</time> : undefined)
const number = (n: number | string | undefined): string | undefined => (n === undefined ? undefined : count(n))
const size = (n: string | undefined): string | undefined => (n === undefined ? undefined : bytes(n))

export const raftFacts = (r: RaftJson | undefined): Fact[] => [
  { label: 'State', value: r?.state },
  { label: 'Leader', value: r?.leader || undefined },
  { label: 'Term', value: number(r?.term) },
  { label: 'Committed', value: number(r?.commitIndex) },
  { label: 'Applied', value: number(r?.appliedIndex) },
  { label: 'Last entry', value: number(r?.lastIndex) },
  { label: 'Snapshot at', value: number(r?.snapshotIndex) },
  { label: 'Last contact', value: seconds(r?.lastContact) === 0 ? 'now' : time(r?.lastContact) },
  { label: 'To make an entry durable', value: time(r?.logWrite) },
  { label: 'To apply an entry', value: time(r?.apply) },
  { label: 'Became the leader', value: number(r?.leaderChanges) },
  { label: 'Snapshots installed', value: number(r?.snapshotsInstalled) },
]

export const databaseFacts = (d: DatabaseJson | undefined): Fact[] => [
  { label: 'Relationships', value: number(d?.relationships) },
  { label: 'Newest revision', value: number(d?.head) },
  { label: 'Oldest revision', value: number(d?.floor) },
  { label: 'Last write', value: since(d?.lastWrite) },
  { label: 'Tables', value: d?.inMemory ? 'in memory' : size(d?.bytes) },
  { label: 'Disk free', value: Number(d?.totalBytes ?? 0) > 0 ? size(d?.freeBytes) : undefined },
  { label: 'Tables in memory', value: number(d?.memtables) },
  { label: 'Open snapshots', value: number(d?.openSnapshots) },
]

export const runtimeFacts = (r: RuntimeJson | undefined): Fact[] => [
  { label: 'Started', value: since(r?.started) },
  { label: 'Processors', value: number(r?.cpus) },
  { label: 'Goroutines', value: number(r?.goroutines) },
  { label: 'Heap', value: size(r?.heapBytes) },
  { label: 'Memory', value: size(r?.memoryBytes) },
  { label: 'Memory limit', value: Number(r?.memoryLimitBytes ?? 0) > 0 ? size(r?.memoryLimitBytes) : 'none' },
  { label: 'Garbage collections', value: number(r?.collections) },
  { label: 'Last pause', value: time(r?.lastPause) },
  { label: 'Calls being served', value: number(r?.calls) },
  { label: 'Streams', value: number(r?.streams) },
  { label: 'Watches', value: number(r?.watches) },
]

const ratio = (hits: string | undefined, misses: string | undefined): string | undefined => {
  const all = Number(hits ?? 0) + Number(misses ?? 0)
  return all === 0 ? undefined : `${((100 * Number(hits)) / all).toFixed(1)} %`
}

export const cacheFacts = (c: CacheJson | undefined): Fact[] => [
  { label: 'Sets kept', value: number(c?.entries) },
  { label: 'Size', value: c && `${bytes(c.bytes ?? 0)} of ${bytes(c.maxBytes ?? 0)}` },
  { label: 'Hits', value: ratio(c?.hits, c?.misses) },
  { label: 'Evictions', value: number(c?.evictions) },
  { label: 'Answers, hits', value: ratio(c?.answerHits, c?.answerMisses) },
  { label: 'Answers, too old', value: number(c?.answerStale) },
  { label: 'Answers, size', value: size(c?.answerBytes) },
]
