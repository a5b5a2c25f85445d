import { ActionIcon, Group, Select, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import type { AccessEntryJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { can, memberKey, memberName, roleLabel } from '../../api/portal/words'
import { Icon } from '../../components/Icon'
import { Who } from '../../components/portal/Who'
import { texts } from '../../lib/texts'
import type { Pending } from './access'

const t = texts.portal.share

type Props = { entries: readonly AccessEntryJson[]; pending: Pending; roles: readonly string[]; onSet: (member: MemberJson, role: string) => void }

/** Present is who has a role, each with what may be changed about it. */
export function Present({ entries, pending, roles, onSet }: Props) {
  const known = new Set(entries.map((e) => memberKey(e.member)))
  const fresh = [...pending.values()].filter((p) => !known.has(memberKey(p.member)))
  return (
    <section aria-labelledby="share-present">
      <Text fw={600} size="sm" mb={4} id="share-present">{t.present}</Text>
      <Stack gap={4} role="list" aria-labelledby="share-present">
        {fresh.map((p) => <Line key={memberKey(p.member)} member={p.member} role={p.role} was={undefined} roles={roles} allowed={['change_user_role', 'remove_user']} onSet={onSet} />)}
        {entries.map((e) => {
          const member = e.member ?? {}
          const now = pending.get(memberKey(member))
          return <Line key={memberKey(member)} member={member} role={now ? now.role : (e.role ?? '')} was={e.role} roles={roles} allowed={e.allowed ?? []} onSet={onSet} />
        })}
      </Stack>
    </section>
  )
}

type LineProps = { member: MemberJson; role: string; was: string | undefined; roles: readonly string[]; allowed: readonly string[]; onSet: Props['onSet'] }

function Line({ member, role, was, roles, allowed, onSet }: LineProps) {
  const name = memberName(member)
  const choices = [...new Set([...roles, ...(was ? [was] : [])])].filter((r) => !member.group || r !== 'owner')
  return (
    <Group role="listitem" wrap="nowrap" justify="space-between" gap="xs" py={4}>
      <div style={{ minWidth: 0, ...(role ? {} : { textDecoration: 'line-through' }) }}><Who member={member} /></div>
      <Group gap={6} wrap="nowrap">
        {can(allowed, 'change_user_role') && role
          ? <Select aria-label={t.roleOf(name)} size="xs" w={138} allowDeselect={false} value={role} onChange={(r) => { if (r) onSet(member, r) }} data={choices.map((r) => ({ value: r, label: roleLabel(r) }))} />
          : <Text size="sm">{role ? roleLabel(role) : texts.common.remove}</Text>}
        {role === '' && was
          ? <ActionIcon variant="default" aria-label={`${t.undo} ${name}`} onClick={() => onSet(member, was)}><Icon name="left" /></ActionIcon>
          : can(allowed, 'remove_user') && <ActionIcon variant="subtle" color="gray" aria-label={t.removeOf(name)} onClick={() => onSet(member, '')}><Icon name="close" /></ActionIcon>}
      </Group>
    </Group>
  )
}

/** Inherited is who else has access, and why. */
export function Inherited({ entries }: { entries: readonly AccessEntryJson[] }) {
  const [open, setOpen] = useState(false)
  if (entries.length === 0) return null
  return (
    <details open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{t.also(entries.length)}</summary>
      <Stack gap={6} mt="xs" role="list">
        {entries.map((e) => (
          <div key={memberKey(e.member)} role="listitem">
            <Who member={e.member} />
            <Text size="xs" c="dimmed">{e.inherited}</Text>
          </div>
        ))}
      </Stack>
    </details>
  )
}
