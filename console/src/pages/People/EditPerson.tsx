import { useForm } from '@mantine/form'
import { patch } from '../../api/client'
import type { UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { path, useChange } from '../../api/portal/lists'
import { userName, useUser } from '../../api/portal/people'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { Failure } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { StoredForm } from '../../components/portal/StoredForm'
import { changed } from '../../lib/changed'
import { needed } from '../../lib/needed'
import { texts } from '../../lib/texts'
import { wellFormed } from './email'
import { fieldNames, PersonFields, type Fields } from './PersonFields'

const t = texts.company

/** EditPerson changes what is kept of a person; what somebody else changed meanwhile is shown first. */
export function EditPerson({ user, onClose }: { user: UserJson | undefined; onClose: () => void }) {
  return (
    <Dialog opened={!!user} onClose={onClose} title={t.form.editTitle(userName(user))} size="lg">
      {user && <Fresh id={user.id ?? ''} onClose={onClose} />}
    </Dialog>
  )
}

function Fresh({ id, onClose }: { id: string; onClose: () => void }) {
  const one = useUser(id)
  if (one.isPending) return <Loading rows={3} />
  if (one.isError) return <Failure error={one.error} what={t.people.reading} retry={one.refetch} />
  return <Form stored={one.data.user ?? {}} onClose={onClose} />
}

const fieldsOf = (u: UserJson): Fields => ({ email: u.email ?? '', givenName: u.givenName ?? '', surname: u.surname ?? '', jobTitle: u.jobTitle ?? '', managerEmail: u.managerEmail ?? '' })

/** stored is the newest that is known, also while the form is open; what was loaded first is what the form changes. */
function Form({ stored, onClose }: { stored: UserJson; onClose: () => void }) {
  const form = useForm({
    initialValues: { ...fieldsOf(stored), version: stored.version ?? '0' },
    validate: { email: (e) => (wellFormed(e) ? null : t.form.mistyped), givenName: needed },
  })
  const before = form.getInitialValues()
  const update = useChange((v: typeof form.values) => patch(path('users', stored.id ?? ''), { ...changed(before, v, fieldNames), ifVersion: v.version }))
  const save = async (v: typeof form.values) => {
    await update.mutateAsync(v)
    saved(t.people.saved(userName({ ...stored, ...v })))
  }
  return (
    <StoredForm form={form} stored={{ ...fieldsOf(stored), version: stored.version ?? '0' }} onSave={save} onClose={onClose} fresh={false} labels={t.fields} compared={fieldNames} meanwhile={t.form.changedMeanwhile}>
      <PersonFields form={form} own={before.email} />
    </StoredForm>
  )
}
