import { Button, Group, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { patch, post } from '../../api/client'
import { isApiError, isConflict } from '../../api/errors'
import type { WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { path, useChange } from '../../api/portal/lists'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { Failure } from '../../components/Failure'
import { Conflict } from '../../components/Outcome'
import { texts } from '../../lib/texts'

const t = texts.portal.workspace

type Props = { subscription: string; noun: string; opened: boolean; workspace?: WorkspaceJson; onClose: () => void }

/** EditWorkspace creates a workspace, or changes name and description of one. */
export function EditWorkspace(p: Props) {
  return <Dialog opened={p.opened} onClose={p.onClose} title={p.workspace ? t.edit : t.create(p.noun)}>{p.opened && <Form {...p} />}</Dialog>
}

function Form({ subscription, noun, workspace, onClose }: Props) {
  const form = useForm({ initialValues: { name: workspace?.name ?? '', description: workspace?.description ?? '' } })
  const change = useChange(({ v, force }: { v: typeof form.values; force: boolean }) =>
    workspace
      ? patch(path('workspaces', workspace.id ?? ''), { ...v, ...(force ? {} : { ifVersion: workspace.version }) })
      : post(path('subscriptions', subscription, 'workspaces'), v))
  const submit = async (v: typeof form.values, force = false) => {
    try {
      await change.mutateAsync({ v, force })
      saved(workspace ? t.saved : t.created(v.name))
      onClose()
    } catch (e) {
      const field = isApiError(e) ? e.metadata['field'] : undefined
      if (field && e instanceof Error) form.setFieldError(field, e.message)
    }
  }
  const conflict = isConflict(change.error)
  return (
    <form onSubmit={form.onSubmit((v) => void submit(v))}>
      <Stack>
        {!workspace && <Text size="sm">{t.createAbout(noun)}</Text>}
        <TextInput label={texts.portal.name} required maxLength={200} data-autofocus {...form.getInputProps('name')} />
        <Textarea label={texts.portal.description} autosize minRows={2} maxRows={8} maxLength={4000} {...form.getInputProps('description')} />
        {conflict && <Conflict onReload={onClose} onApply={() => void submit(form.values, true)}>{change.error instanceof Error ? change.error.message : ''}</Conflict>}
        {change.isError && !conflict && !Object.values(form.errors).some(Boolean) && <Failure error={change.error} what={texts.common.save} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{texts.common.cancel}</Button>
          <Button type="submit" loading={change.isPending}>{workspace ? texts.common.save : t.create(noun)}</Button>
        </Group>
      </Stack>
    </form>
  )
}
