import { Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { patch, post } from '../../api/client'
import type { WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { path, useChange } from '../../api/portal/lists'
import { useWorkspace } from '../../api/portal/workspaces'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { StoredForm } from '../../components/portal/StoredForm'
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
  const save = async (v: typeof form.values) => {
    await change.mutateAsync(v)
    saved(workspace ? t.saved : t.created(v.name))
  }
  return (
    <StoredForm form={form} stored={fieldsOf(stored)} onSave={save} onClose={onClose} {...(workspace ? {} : { action: t.create(noun) })} fresh={!workspace} labels={labels} compared={kept} meanwhile={t.changedMeanwhile}>
      {!workspace && <Text size="sm">{t.createAbout(noun)}</Text>}
      <TextInput label={labels.name} required maxLength={200} data-autofocus {...form.getInputProps('name')} />
      <Textarea label={labels.description} autosize minRows={2} maxRows={8} maxLength={4000} {...form.getInputProps('description')} />
    </StoredForm>
  )
}
