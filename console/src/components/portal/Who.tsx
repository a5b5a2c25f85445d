import { Badge, Group, Text } from '@mantine/core'
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import { memberKind, memberName } from '../../api/portal/words'
import { texts } from '../../lib/texts'

/** Who shows a person or a group in a list: the name, and what has to be known of it. */
export function Who({ member, strong }: { member: MemberJson | undefined; strong?: boolean }) {
  const kind = memberKind(member)
  return (
    <div>
      <Group gap={6}>
        <Text span size="sm" {...(strong ? { fw: 600 } : {})}>{memberName(member)}</Text>
        {kind && <Badge size="sm" variant="light" color="gray">{kind}</Badge>}
        {member?.user && member.active === false && <Badge size="sm" variant="light" color="yellow">{texts.portal.deactivated}</Badge>}
      </Group>
      {member?.email && <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>{member.email}</Text>}
    </div>
  )
}
