import { Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { patch, post } from '../../api/client'
import { isApiError, isConflict } from '../../api/errors'
import type { WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { path, useChange } from '../../api/portal/lists'
import { useWorkspace } from '../../api/portal/workspaces'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { Failure } from '../../components/Failure'
import { Conflict } from '../../components/Outcome'
import { Differences } from '../../components/portal/Differences'
import { changed } from '../../lib/changed'
import { needed } from '../../lib/needed'
import { texts } from '../../lib/texts'

const t = texts.portal.workspace
const labels = { name: texts.portal.name, description: texts.portal.description }
const kept = ['name', 'description'] as const
const fieldsOf = (w: WorkspaceJson | undefined) => ({ name: w?.name ?? '', description: w?.description ?? '', version: w?.version ?? '0' })

type Props = { subscription: string; noun: string; opened: boolean; workspace?: WorkspaceJson; onClose: () => void }

/** EditWorkspace creates a workspace, or changes name and description of one. */
export function EditWorkspace(p: Props) {
  return <Dialog opened={p.opened} onClose={p.onClose} title={p.workspace ? t.edit : t.create(p.noun)}>{p.opened && <Form {...p} />}</Dialog>
}

/** What was known of the workspace when the form opened is what it changes; stored is the newest, also while it is open. */
function Form({ subscription, noun, workspace, onClose }: Props) {
  const stored = useWorkspace(workspace?.id ?? '', !!workspace).data?.workspace ?? workspace
  const form = useForm({ initialValues: fieldsOf(workspace), validate: { name: needed } })
  const change = useChange((v: typeof form.values) =>
    workspace
      ? patch(path('workspaces', workspace.id ?? ''), { ...changed(form.getInitialValues(), v, kept), ifVersion: v.version })
      : post(path('subscriptions', subscription, 'workspaces'), { name: v.name, description: v.description }))
  const submit = async (v: typeof form.values) => {
    try {
      await change.mutateAsync(v)
      saved(workspace ? t.saved : t.created(v.name))
      onClose()
    } catch (e) {
      const field = isApiError(e) ? e.metadata['field'] : undefined
      if (field && e instanceof Error) form.setFieldError(field, e.message)
    }
  }
  const reload = () => {
    form.setInitialValues(fieldsOf(stored))
    form.reset()
    change.reset()
  }
  const conflict = isConflict(change.error)
  return (
    <DialogForm onCancel={onClose} onSubmit={form.onSubmit((v) => void submit(v))} action={workspace ? texts.common.save : t.create(noun)} dirty={form.isDirty()} ready={!workspace || form.isDirty()} busy={change.isPending}>
      {!workspace && <Text size="sm">{t.createAbout(noun)}</Text>}
      <TextInput label={labels.name} required maxLength={200} data-autofocus {...form.getInputProps('name')} />
      <Textarea label={labels.description} autosize minRows={2} maxRows={8} maxLength={4000} {...form.getInputProps('description')} />
      {conflict && (
        <Conflict onReload={reload} onApply={() => void submit({ ...form.values, version: fieldsOf(stored).version })}>
          {t.changedMeanwhile}
          <Differences of={kept.map((f) => ({ label: labels[f], stored: fieldsOf(stored)[f], mine: form.values[f] }))} />
        </Conflict>
      )}
      {change.isError && !conflict && !Object.values(form.errors).some(Boolean) && <Failure error={change.error} what={texts.common.save} />}
    </DialogForm>
  )
}
