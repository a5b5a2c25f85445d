import { Text } from '@mantine/core'
import { del } from '../../api/client'
import type { GroupJson } from '../../api/gen/pemba/portal/v1/groups_pb'
import { useGroupUses } from '../../api/portal/groups'
import { path, useChange } from '../../api/portal/lists'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { texts } from '../../lib/texts'

const t = texts.company.group

/** DeleteGroup deletes a group that has been emptied, and gives nobody a role. */
export function DeleteGroup({ group, onClose, onDeleted }: { group: GroupJson | undefined; onClose: () => void; onDeleted?: () => void }) {
  const uses = useGroupUses(group?.id ?? '', !!group).data?.uses ?? []
  const remove = useChange(() => del(path('groups', group?.id ?? '')), group?.id)
  const confirm = async () => {
    await remove.mutateAsync()
    saved(t.deleted(group?.name ?? ''))
    onDeleted?.()
  }
  const blocked = Number(group?.members ?? 0) > 0 ? t.notEmpty : uses.length > 0 ? t.stillUsed(uses.map((u) => u.resourceName || (u.resource ?? '')).join(', ')) : undefined
  return (
    <Confirm opened={!!group} onClose={onClose} title={t.deleteTitle(group?.name ?? '')} action={t.delete} onConfirm={confirm} {...(blocked ? { blocked } : {})}>
      <Text size="sm">{t.deleteAbout}</Text>
    </Confirm>
  )
}
