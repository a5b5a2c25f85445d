import { Badge, Button, Group, Text } from '@mantine/core'
import type { ProblemJson } from '../../api/gen/pemba/console/v1/common_pb'
import { Coded } from '../../components/Coded'
import { texts } from '../../lib/texts'

const t = texts.schema

/** Problems lists what the compiler says; a problem leads to its place. Without onFix nothing is replaced: the text is another one by now. */
export function Problems({ problems, onGo, onFix }: { problems: ProblemJson[]; onGo: (p: ProblemJson) => void; onFix?: (p: ProblemJson) => void }) {
  if (problems.length === 0) return <Text size="sm" p="xs">{t.noProblems}</Text>
  return (
    <ul className="app-rail-list">
      {problems.map((p, i) => (
        <li key={i} className="app-problem">
          <Badge size="sm" variant="light" color={p.severity === 'SEVERITY_ERROR' ? 'red' : 'yellow'}>{t.severity[p.severity ?? 'SEVERITY_UNSPECIFIED']}</Badge>
          <button type="button" className="app-link-button" onClick={() => onGo(p)}>
            {p.range && <span className="app-mono">{t.at(p.range.startLine ?? 0, p.range.startColumn ?? 0)} </span>}<Coded>{p.message ?? ''}</Coded>
          </button>
          {p.suggestion && p.range && <Group><Button size="compact-xs" variant="default" disabled={!onFix} onClick={() => onFix?.(p)}>{t.fix(p.suggestion)}</Button></Group>}
        </li>
      ))}
    </ul>
  )
}
