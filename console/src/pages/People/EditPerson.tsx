import { useForm } from '@mantine/form'
import { patch } from '../../api/client'
import { isConflict } from '../../api/errors'
import type { UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { faults } from '../../api/portal/fields'
import { path, useChange } from '../../api/portal/lists'
import { userName, useUser } from '../../api/portal/people'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { Failure } from '../../components/Failure'
import { FormFailure } from '../../components/FormFailure'
import { Loading } from '../../components/Loading'
import { Conflict } from '../../components/Outcome'
import { Differences } from '../../components/portal/Differences'
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
  const update = useChange(({ v, version }: { v: Fields; version: string }) =>
    patch(path('users', stored.id ?? ''), { ...changed(before, v, fieldNames), ifVersion: version }))
  const send = async (v: typeof form.values, version: string) => {
    try {
      await update.mutateAsync({ v, version })
      saved(t.people.saved(userName({ ...stored, ...v })))
      onClose()
    } catch (e) {
      form.setErrors(faults(e, fieldNames))
    }
  }
  const reload = () => {
    form.setInitialValues({ ...fieldsOf(stored), version: stored.version ?? '0' })
    form.reset()
    update.reset()
  }
  const conflict = isConflict(update.error)
  return (
    <DialogForm onCancel={onClose} onSubmit={form.onSubmit((v) => void send(v, v.version))} action={texts.common.save} dirty={form.isDirty()} ready={form.isDirty()} busy={update.isPending}>
      <PersonFields form={form} own={before.email} />
      {conflict && (
        <Conflict onReload={reload} onApply={() => void send(form.values, stored.version ?? '0')}>
          {t.form.changedMeanwhile}
          <Differences of={fieldNames.map((f) => ({ label: t.fields[f], stored: fieldsOf(stored)[f], mine: form.values[f] }))} />
        </Conflict>
      )}
      {!conflict && <FormFailure error={update.error} what={t.form.editTitle(userName(stored))} errors={form.errors} labels={t.fields} />}
    </DialogForm>
  )
}
