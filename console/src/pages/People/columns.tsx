import { Badge, Text } from '@mantine/core'
import type { UserJson, UserStateJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { userName } from '../../api/portal/people'
import { serviceName } from '../../api/portal/words'
import type { Column } from '../../components/DataTable'
import { TextLink } from '../../components/links'
import { When } from '../../components/When'
import { texts } from '../../lib/texts'

const t = texts.company
const colors: Record<UserStateJson, string> = { USER_STATE_UNSPECIFIED: 'gray', USER_STATE_INVITED: 'blue', USER_STATE_ACTIVE: 'green', USER_STATE_DEACTIVATED: 'yellow' }

/** State says by a word how far somebody has come; the colour repeats it. */
export const State = ({ of }: { of: UserStateJson | undefined }) =>
  <Badge variant="light" color={colors[of ?? 'USER_STATE_UNSPECIFIED']}>{t.states[of ?? 'USER_STATE_UNSPECIFIED']}</Badge>

export const PersonLink = ({ user }: { user: UserJson }) => <TextLink to="/people/$id" params={{ id: user.id ?? '' }} fw={600} size="sm">{userName(user)}</TextLink>

/** Short is one line of a cell; all of it is in the hint. */
const Short = ({ of }: { of: string | undefined }) => <Text size="sm" truncate title={of}>{of}</Text>

export const columns: Column<UserJson>[] = [
  { id: 'name', header: t.name, width: 'minmax(120px, 1.4fr)', sort: true, cell: (u) => <PersonLink user={u} /> },
  { id: 'email', header: t.fields.email, width: 'minmax(130px, 1.8fr)', sort: true, cell: (u) => <Short of={u.email} /> },
  { id: 'state', header: t.state, width: '112px', cell: (u) => <State of={u.state} /> },
  { id: 'title', header: t.fields.jobTitle, width: 'minmax(80px, 1fr)', cell: (u) => <Short of={u.jobTitle} /> },
  { id: 'manager', header: t.manager, width: 'minmax(80px, 1fr)', cell: (u) => <Short of={u.managerEmail} /> },
  { id: 'services', header: t.services, width: 'minmax(80px, 1fr)', cell: (u) => <Short of={(u.services ?? []).map(serviceName).join(', ')} /> },
  { id: 'seen', header: t.seen, width: '160px', sort: true, cell: (u) => <When at={u.seenAt} /> },
]
