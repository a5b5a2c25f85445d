import { parseRelationship } from './relationship'
import type { RelationshipJson } from '../api/gen/authzed/api/v1/core_pb'

export type Line = { number: number; text: string; relationship: RelationshipJson }
export type Fault = { item: string; reason: string }

/** readLines reads one relationship a line, as `pemba relationship import` does. */
export function readLines(text: string): { lines: Line[]; faults: Fault[] } {
  const lines: Line[] = []
  const faults: Fault[] = []
  text.split(/\r?\n/).forEach((raw, i) => {
    const line = raw.trim()
    if (line === '' || line.startsWith('//') || line.startsWith('#')) return
    try {
      lines.push({ number: i + 1, text: line, relationship: parseRelationship(line) })
    } catch (e) {
      faults.push({ item: `${i + 1}: ${line}`, reason: e instanceof Error ? e.message : String(e) })
    }
  })
  return { lines, faults }
}

type Send = (lines: Line[]) => Promise<unknown>

/**
 * importAll sends lines in batches. A batch that is refused is sent again one by
 * one, so that only the lines that are at fault stay behind, with the reason. When
 * the signal is aborted nothing more is sent.
 */
export async function importAll(lines: Line[], size: number, send: Send, onProgress: (done: number) => void, signal: AbortSignal): Promise<{ done: number; failed: Fault[] }> {
  const failed: Fault[] = []
  let done = 0
  const one = async (line: Line) => {
    try {
      await send([line])
      done++
    } catch (e) {
      failed.push({ item: line.text, reason: e instanceof Error ? e.message : String(e) })
    }
  }
  for (let i = 0; i < lines.length && !signal.aborted; i += size) {
    const batch = lines.slice(i, i + size)
    try {
      await send(batch)
      done += batch.length
    } catch {
      for (const line of batch) if (!signal.aborted) await one(line)
    }
    onProgress(done)
  }
  return { done, failed }
}
