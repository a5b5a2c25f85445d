import type { UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { can } from '../../api/portal/words'
import type { RowAction } from '../../components/DataTable'
import { texts } from '../../lib/texts'

const t = texts.company.people

export type Doing = { onEdit: () => void; onInvite: () => void; onActivate: () => void; onDeactivate: () => void; onOpen?: () => void }

/** actionsOn are the entries of a person's menu: those that the server says are allowed. */
export function actionsOn(u: UserJson, d: Doing): RowAction[] {
  const entries: (RowAction & { needs?: string })[] = [
    ...(d.onOpen ? [{ label: t.open, onClick: d.onOpen }] : []),
    { label: t.edit, onClick: d.onEdit, needs: 'edit' },
    { label: t.invite, onClick: d.onInvite, needs: 'invite' },
    { label: t.activate, onClick: d.onActivate, needs: 'activate' },
    { label: t.deactivate, onClick: d.onDeactivate, needs: 'deactivate', danger: true },
  ]
  return entries.filter((e) => e.needs === undefined || can(u.allowed, e.needs)).map(({ label, onClick, danger }) => ({ label, onClick, ...(danger ? { danger } : {}) }))
}
