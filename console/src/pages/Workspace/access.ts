// What the share dialog collects before it is saved: the roles as they are, and the
// changes to them, as values.
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import type { AccessChangeJson, AccessEntryJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { asMember, memberKey, memberName, roleLabel } from '../../api/portal/words'
import { texts } from '../../lib/texts'

/** Pending maps members to the role that they are to have; "" takes it away. */
export type Pending = ReadonlyMap<string, { member: MemberJson; role: string }>

/** plan notes a new role for a member; what is as it was is no change. */
export function plan(pending: Pending, entries: readonly AccessEntryJson[], member: MemberJson, role: string): Pending {
  const key = memberKey(member)
  const next = new Map(pending)
  if ((presentRole(entries, member) ?? '') === role) next.delete(key)
  else next.set(key, { member, role })
  return next
}

/** presentRole is the role that a member has now. */
export const presentRole = (entries: readonly AccessEntryJson[], member: MemberJson): string | undefined =>
  entries.find((e) => memberKey(e.member) === memberKey(member))?.role

/** changes are what is sent: each with the role that it replaces, so that nobody else's change is lost. */
export const changes = (pending: Pending, entries: readonly AccessEntryJson[]): AccessChangeJson[] =>
  [...pending.values()].map(({ member, role }) => ({ member: asMember(member), role, presentRole: presentRole(entries, member) ?? '' }))

/** sentences say for people what will change. */
export function sentences(pending: Pending, entries: readonly AccessEntryJson[]): string[] {
  const t = texts.portal.share
  return [...pending.values()].map(({ member, role }) => {
    const was = presentRole(entries, member)
    if (!role) return t.loses(memberName(member), roleLabel(was))
    return was ? t.replaces(memberName(member), roleLabel(was), roleLabel(role)) : t.gets(memberName(member), roleLabel(role))
  })
}
