import type { ReactNode } from 'react'
import type { UseFormReturnType } from '@mantine/form'
import { useMutation } from '@tanstack/react-query'
import { isConflict } from '../../api/errors'
import { faults } from '../../api/portal/fields'
import { texts } from '../../lib/texts'
import { DialogForm } from '../DialogForm'
import { FormFailure } from '../FormFailure'
import { Conflict } from '../Outcome'
import { Differences } from './Differences'

type Versioned = { version: string }

type Props<V extends Versioned, N extends keyof V & string> = {
  form: UseFormReturnType<V>
  /** stored is the newest that is known, also while the form is open. */
  stored: V
  /** onSave writes the values in the place of the version that they name. */
  onSave: (values: V) => Promise<unknown>
  onClose: () => void
  /** action is what the button says, if it is not "Save". */
  action?: string
  /** fresh is whether there is nothing stored yet. */
  fresh: boolean
  /** dirty is whether something beside the form was entered. */
  dirty?: boolean
  /** labels are those of all fields that the server may find a fault with. */
  labels: Readonly<Record<string, string>>
  /** compared are shown side by side when somebody else changed it meanwhile, which meanwhile says. */
  compared: readonly N[]
  meanwhile: string
  children: ReactNode
}

/** StoredForm makes something new, or changes what is stored; what somebody else changed meanwhile is shown first. */
export function StoredForm<V extends Versioned, N extends keyof V & string>(p: Props<V, N>) {
  const { form, stored } = p
  const save = useMutation({ mutationFn: p.onSave })
  const send = async (values: V) => {
    try {
      await save.mutateAsync(values)
      p.onClose()
    } catch (e) {
      form.setErrors(faults(e, Object.keys(p.labels)))
    }
  }
  const reload = () => {
    form.setInitialValues(stored)
    form.reset()
    save.reset()
  }
  const conflict = isConflict(save.error)
  const action = p.action ?? texts.common.save
  return (
    <DialogForm onCancel={p.onClose} onSubmit={form.onSubmit((v) => void send(v))} action={action} dirty={form.isDirty() || !!p.dirty} ready={p.fresh || form.isDirty()} busy={save.isPending}>
      {p.children}
      {conflict && (
        <Conflict onReload={reload} onApply={() => void send({ ...form.values, version: stored.version })}>
          {p.meanwhile}
          <Differences of={p.compared.map((n) => ({ label: p.labels[n] ?? n, stored: String(stored[n]), mine: String(form.values[n]) }))} />
        </Conflict>
      )}
      {!conflict && <FormFailure error={save.error} what={action} errors={form.errors} labels={p.labels} />}
    </DialogForm>
  )
}
