import type { Question } from '../../api/explain'

const quote = (text: string): string => (/^[\w:#@/.,=+*-]+$/.test(text) ? text : "'" + text.replaceAll("'", "'\\''") + "'")

/** command is the question as one asks it on the command line. */
export function command(q: Question): string {
  return ['pemba', 'check', q.resource, q.permission, q.subject, '--explain', ...(q.context ? ['--caveat-context', q.context] : []), ...(q.at ? ['--at', q.at] : [])]
    .map(quote).join(' ')
}
