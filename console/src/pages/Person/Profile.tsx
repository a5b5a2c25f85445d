import type { UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { serviceName } from '../../api/portal/words'
import { Terms } from '../../components/Terms'
import { When } from '../../components/When'
import { list } from '../../lib/format'
import { texts } from '../../lib/texts'
import { State } from '../People/columns'

const t = texts.company

/** Profile is what is kept of a person. */
export function Profile({ of: u }: { of: UserJson }) {
  const nothing = t.form.none
  return (
    <Terms of={[
      [t.fields.givenName, u.givenName || nothing], [t.fields.surname, u.surname || nothing], [t.fields.email, u.email], [t.fields.jobTitle, u.jobTitle || nothing], [t.fields.managerEmail, u.managerEmail || nothing],
      [t.state, <State of={u.state} />], [t.role, u.administrator ? t.person.administrator : nothing], [t.services, u.services?.length ? list(u.services.map(serviceName)) : nothing],
      [t.created, <When at={u.createdAt} />], [t.seen, <When at={u.seenAt} />],
    ]} />
  )
}
