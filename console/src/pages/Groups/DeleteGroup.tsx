import { Text } from '@mantine/core'
import { del } from '../../api/client'
import type { GroupJson } from '../../api/gen/pemba/portal/v1/groups_pb'
import { path, useChange } from '../../api/portal/lists'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { texts } from '../../lib/texts'

const t = texts.company.group

/** DeleteGroup deletes a group that has been emptied. */
export function DeleteGroup({ group, onClose, onDeleted }: { group: GroupJson | undefined; onClose: () => void; onDeleted?: () => void }) {
  const remove = useChange(() => del(path('groups', group?.id ?? '')))
  const confirm = async () => {
    await remove.mutateAsync()
    saved(t.deleted(group?.name ?? ''))
    onDeleted?.()
  }
  return (
    <Confirm opened={!!group} onClose={onClose} title={t.deleteTitle(group?.name ?? '')} action={t.delete} onConfirm={confirm} {...(Number(group?.members ?? 0) > 0 ? { blocked: t.notEmpty } : {})}>
      <Text size="sm">{t.deleteAbout}</Text>
    </Confirm>
  )
}
