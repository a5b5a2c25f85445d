import { useState } from 'react'
import { TextInput } from '@mantine/core'
import { post } from '../../api/client'
import { path, useChange } from '../../api/portal/lists'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { Failure } from '../../components/Failure'
import { texts } from '../../lib/texts'

const t = texts.portal.diagram

/** CreateDiagram makes an empty draft. */
export function CreateDiagram({ workspace, opened, onClose }: { workspace: string; opened: boolean; onClose: () => void }) {
  return <Dialog opened={opened} onClose={onClose} title={t.create}>{opened && <Form workspace={workspace} onClose={onClose} />}</Dialog>
}

function Form({ workspace, onClose }: { workspace: string; onClose: () => void }) {
  const [name, setName] = useState('')
  const create = useChange(() => post(path('workspaces', workspace, 'diagrams'), { name }))
  const submit = async () => {
    await create.mutateAsync()
    saved(texts.portal.workspace.created(name))
    onClose()
  }
  return (
    <DialogForm onCancel={onClose} onSubmit={() => void submit().catch(() => undefined)} action={t.create} dirty={name !== ''} ready={name.trim() !== ''} busy={create.isPending}>
      <TextInput label={t.name} required maxLength={200} data-autofocus value={name} onChange={(e) => setName(e.currentTarget.value)} />
      {create.isError && <Failure error={create.error} what={t.create} />}
    </DialogForm>
  )
}
