const numbers = new Intl.NumberFormat('en')
const times = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** count writes a whole number, also one that came as text; unknown: more than is shown. */
export const count = (n: number | string): string => numbers.format(Number(n))

/** plural writes a number with its noun: "1 row", "2,000 rows". */
export const plural = (n: number | string, one: string, many = one + 's'): string => `${count(n)} ${Number(n) === 1 ? one : many}`

export const clock = (d: Date): string => times.format(d)
export const moment = (d: Date): string => moments.format(d)

/** utc writes a moment in UTC, to the second: "2026-03-01 10:04:31 UTC". */
export const utc = (d: Date): string => d.toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC')

const steps: [Intl.RelativeTimeFormatUnit, number][] = [['year', 31536000], ['month', 2592000], ['day', 86400], ['hour', 3600], ['minute', 60]]

/** ago writes a moment relative to another: "3 hours ago", "in 2 days". */
export function ago(d: Date, now: Date): string {
  const seconds = (d.getTime() - now.getTime()) / 1000
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit)
  }
  return relative.format(Math.round(seconds), 'second')
}

/** bytes writes a size in the decimal units of disks. */
export function bytes(n: number | string): string {
  let size = Number(n)
  for (const unit of ['B', 'kB', 'MB', 'GB', 'TB']) {
    if (size < 1000 || unit === 'TB') return `${size < 10 && unit !== 'B' ? size.toFixed(1) : Math.round(size)} ${unit}`
    size /= 1000
  }
  return ''
}

/** seconds reads a duration of the API: "1.5s"; what is missing comes as null. */
export const seconds = (duration: string | null | undefined): number | undefined => (duration === undefined || duration === null ? undefined : Number.parseFloat(duration))

/** span writes a length of time in seconds: "850 ms", "2.5 s", "3 h". */
export function span(s: number): string {
  if (s < 0.001) return `${Math.round(s * 1e6)} µs`
  if (s < 1) return `${Math.round(s * 1000)} ms`
  if (s < 90) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`
  if (s < 5400) return `${Math.round(s / 60)} min`
  return s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} days`
}

/** list writes "a, b and c". */
export const list = (parts: string[]): string => new Intl.ListFormat('en').format(parts)
