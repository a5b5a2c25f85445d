import { useState } from 'react'
import type { UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { useActivate, useInvite, userName } from '../../api/portal/people'
import { saved } from '../../components/Announcer'
import type { RowAction } from '../../components/DataTable'
import { texts } from '../../lib/texts'
import { actionsOn } from './rowActions'

const t = texts.company.people

export type Open = { what: 'edit' | 'deactivate'; user: UserJson }

/** useActions does what a person's menu offers: at once, with failure for what went wrong, or in a dialog. */
export function useActions() {
  const [open, setOpen] = useState<Open>()
  const activate = useActivate()
  const invite = useInvite()
  const actions = (u: UserJson, onOpen?: () => void): RowAction[] =>
    actionsOn(u, {
      ...(onOpen ? { onOpen } : {}),
      onEdit: () => setOpen({ what: 'edit', user: u }),
      onDeactivate: () => setOpen({ what: 'deactivate', user: u }),
      onActivate: () => activate.mutate(u, { onSuccess: () => saved(t.activated(userName(u))) }),
      onInvite: () => invite.mutate(u, { onSuccess: () => saved(t.invited(userName(u))) }),
    })
  const only = (what: Open['what']) => (open?.what === what ? open.user : undefined)
  const failure = activate.error ? { error: activate.error, what: t.activate } : invite.error ? { error: invite.error, what: t.invite } : undefined
  return { actions, failure, edited: only('edit'), deactivated: only('deactivate'), close: () => setOpen(undefined) }
}
