import { useState } from 'react'
import { ActionIcon, Group, Paper, Text } from '@mantine/core'
import { post } from '../../api/client'
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import type { GetGroupResponseJson } from '../../api/gen/pemba/portal/v1/groups_pb'
import { useGroup } from '../../api/portal/groups'
import { path, useChange } from '../../api/portal/lists'
import { asMember, can, memberKey, memberName } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { Empty } from '../../components/Empty'
import { Failure } from '../../components/Failure'
import { Icon } from '../../components/Icon'
import { Loading } from '../../components/Loading'
import { Who } from '../../components/portal/Who'
import { WriteButton } from '../../components/WriteButton'
import { texts } from '../../lib/texts'
import '../Person/tree.css'

const t = texts.company.group

/** Members is who is in a group directly; nested groups unfold. */
export function Members({ of }: { of: GetGroupResponseJson }) {
  const [removing, setRemoving] = useState<MemberJson>()
  const members = of.members ?? []
  const group = of.group
  const remove = useChange(() => post(path('groups', group?.id ?? '', 'members'), { remove: [asMember(removing ?? {})] }))
  const confirm = async () => {
    await remove.mutateAsync()
    saved(t.removed(memberName(removing), group?.name ?? ''))
  }
  if (members.length === 0) return <Empty kind="nothing" title={t.noMembers}>{t.noMembersHint}</Empty>
  return (
    <Paper withBorder p="md">
      <ul className="tree" aria-label={t.members}>
        {members.map((m) => (
          <Item key={memberKey(m)} member={m} above={[group?.id ?? '']} action={can(group?.allowed, 'manage') && (
            <WriteButton size="compact-sm" variant="subtle" color="gray" aria-label={`${t.remove} ${memberName(m)}`} onClick={() => setRemoving(m)}>{t.remove}</WriteButton>
          )} />
        ))}
      </ul>
      <Confirm opened={!!removing} onClose={() => setRemoving(undefined)} title={t.removeTitle(memberName(removing), group?.name ?? '')} action={t.remove} onConfirm={confirm}>
        <Text size="sm">{t.removeAbout}</Text>
      </Confirm>
    </Paper>
  )
}

/** Item is a member, with those of a nested group below it. above are the groups that lead here: raw writes may make cycles. */
function Item({ member, above, action }: { member: MemberJson; above: readonly string[]; action?: React.ReactNode }) {
  const [open, setOpen] = useState(false)
  const nests = !!member.group && !above.includes(member.group)
  const name = memberName(member)
  return (
    <li>
      <Group gap="xs" wrap="nowrap" justify="space-between">
        <Group gap="xs" wrap="nowrap" miw={0}>
          {nests
            ? <ActionIcon variant="subtle" color="gray" size={26} aria-expanded={open} aria-label={open ? t.fold(name) : t.open(name)} onClick={() => setOpen(!open)}><Icon name={open ? 'down' : 'right'} size={14} /></ActionIcon>
            : <span style={{ width: 26, flex: 'none' }} />}
          <Who member={member} />
        </Group>
        <span style={{ flex: 'none' }}>{action}</span>
      </Group>
      {open && nests && <Nested id={member.group ?? ''} above={above} />}
    </li>
  )
}

function Nested({ id, above }: { id: string; above: readonly string[] }) {
  const one = useGroup(id)
  if (one.isPending) return <Loading rows={2} height={20} />
  if (one.isError) return <Failure error={one.error} what={t.readingOne} retry={one.refetch} />
  const members = one.data.members ?? []
  if (members.length === 0) return <Text size="sm" c="dimmed" ml={34}>{t.noMembers}</Text>
  return <ul className="tree tree-inner">{members.map((m) => <Item key={memberKey(m)} member={m} above={[...above, id]} />)}</ul>
}
