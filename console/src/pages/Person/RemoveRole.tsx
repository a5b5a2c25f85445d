import { Text } from '@mantine/core'
import { del, post } from '../../api/client'
import type { AccessLineJson, UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { path, useChange } from '../../api/portal/lists'
import { userName } from '../../api/portal/people'
import { roleLabel } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { texts } from '../../lib/texts'
import { RemoveUser } from '../Service/RemoveUser'
import { idOf, kindOf } from './access'

const t = texts.company.person

/** RemoveRole takes away one direct role, wherever it is. */
export function RemoveRole({ user, line, onClose }: { user: UserJson; line: AccessLineJson | undefined; onClose: () => void }) {
  const kind = kindOf(line?.resource)
  const member = { user: user.id ?? '', name: userName(user), email: user.email ?? '' }
  const remove = useChange(() => {
    const id = idOf(line?.resource)
    if (kind === 'company') return del(path('administrators', user.id ?? ''))
    return post(path('workspaces', id, 'access'), { changes: [{ member: { user: user.id }, role: '', presentRole: line?.role ?? '' }] })
  })
  // Leaving a subscription has effects on its workspaces: its own dialog shows them.
  if (kind === 'subscription') return <RemoveUser id={idOf(line?.resource)} user={{ member, ...(line?.role ? { role: line.role } : {}) }} onClose={onClose} />
  const role = roleLabel(line?.role)
  const place = line?.resourceName ?? ''
  return (
    <Confirm opened={!!line} onClose={onClose} title={t.removeTitle(role, place)} action={t.remove} onConfirm={async () => { await remove.mutateAsync(); saved(t.removed) }}>
      <Text size="sm">{t.removeAbout(userName(user), role, place)}</Text>
    </Confirm>
  )
}
