import { Badge, Group, List, Text } from '@mantine/core'
import type { ObstacleJson, SchemaChangeJson, SchemaChange_ClassJson } from '../../api/gen/pemba/console/v1/schema_tools_pb'
import { TextLink } from '../../components/links'
import { filterText, noFilter } from '../../lib/filter'
import { relationshipText } from '../../lib/relationship'
import { texts } from '../../lib/texts'

const t = texts.schema
const hues: Record<SchemaChange_ClassJson, string> = { CLASS_UNSPECIFIED: 'gray', CLASS_SAFE: 'green', CLASS_CHANGES_MEANING: 'yellow', CLASS_BLOCKED: 'red' }

/** Changes lists how two schemas differ, each change with its class. */
export function Changes({ changes }: { changes: SchemaChangeJson[] }) {
  return (
    <ul className="app-rail-list">
      {changes.map((c, i) => {
        const kind = c.class ?? 'CLASS_UNSPECIFIED'
        return (
          <li key={i} className="app-change">
            <Group gap="xs" align="baseline">
              <Badge size="sm" variant="light" color={hues[kind]}>{t.classes[kind]}</Badge>
              <Text size="sm" className="app-grow" component="span">{c.text}</Text>
            </Group>
            {c.before && <Text size="sm" className="app-mono app-before" component="del">{c.before}</Text>}
            {c.after && <Text size="sm" className="app-mono app-after" component="ins">{c.after}</Text>}
            {(c.reasons ?? []).map((r) => <Text key={r} size="sm" c="dimmed">{r}</Text>)}
            {(c.obstacles ?? []).map((o, j) => <Obstacle key={j} obstacle={o} />)}
          </li>
        )
      })}
    </ul>
  )
}

function Obstacle({ obstacle: o }: { obstacle: ObstacleJson }) {
  const subject = o.filter?.optionalSubjectFilter
  const filter = filterText({
    ...noFilter, type: o.filter?.resourceType ?? '', id: o.filter?.optionalResourceId ?? '', relation: o.filter?.optionalRelation ?? '', subjectType: subject?.subjectType ?? '', subjectId: subject?.optionalSubjectId ?? '',
    subjectRelation: subject?.optionalRelation ? subject.optionalRelation.relation || '...' : '',
  })
  return (
    <div>
      <Text size="sm">
        {o.reason}: {t.obstacles(Number(o.count ?? 0), o.more ?? false)}. {filter && <TextLink to="/workbench/relationships" search={{ filter }} size="sm">{t.showObstacles}</TextLink>}
      </Text>
      <List size="sm">{(o.examples ?? []).map((e) => <List.Item key={relationshipText(e)} className="app-mono">{relationshipText(e)}</List.Item>)}</List>
    </div>
  )
}
