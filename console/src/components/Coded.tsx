import { Code } from '@mantine/core'

/** Coded shows as code what a text, of the console or of the server, has between backticks. */
export function Coded({ children }: { children: string }) {
  const parts = children.split('`')
  if (parts.length % 2 === 0) return children // one of them stands for itself
  return parts.map((part, i) => (i % 2 === 1 ? <Code key={i}>{part}</Code> : part))
}
