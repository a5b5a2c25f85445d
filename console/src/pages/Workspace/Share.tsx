import { useState } from 'react'
import { Alert, Button, Group, List, Select, Text, TextInput } from '@mantine/core'
import { post } from '../../api/client'
import { isConflict } from '../../api/errors'
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import type { ListAccessResponseJson, WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { path, useChange } from '../../api/portal/lists'
import { searchCandidates, useAccess } from '../../api/portal/workspaces'
import { asMember, memberName, roleAbout, roleLabel } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { CopyButton } from '../../components/CopyButton'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { Failure, Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Conflict } from '../../components/Outcome'
import { MemberPicker } from '../../components/portal/MemberPicker'
import { texts } from '../../lib/texts'
import { changes, plan, sentences, type Pending } from './access'
import { Inherited, Present } from './Present'

const t = texts.portal.share

/** Share says who may do what on a workspace, and changes it in one transaction. */
export function Share({ workspace, onClose }: { workspace: WorkspaceJson | undefined; onClose: () => void }) {
  return (
    <Dialog opened={!!workspace} onClose={onClose} title={t.title(workspace?.name ?? '')} size="lg">
      {workspace && <Body workspace={workspace} onClose={onClose} />}
    </Dialog>
  )
}

function Body({ workspace, onClose }: { workspace: WorkspaceJson; onClose: () => void }) {
  const access = useAccess(workspace.id ?? '')
  if (access.isPending) return <Loading />
  if (access.isError) return <Refused error={access.error} what={t.present} permission="read" retry={access.refetch} />
  return <Form workspace={workspace} access={access.data} onReload={() => void access.refetch()} onClose={onClose} />
}

function Form({ workspace, access, onReload, onClose }: { workspace: WorkspaceJson; access: ListAccessResponseJson; onReload: () => void; onClose: () => void }) {
  const id = workspace.id ?? ''
  const entries = access.entries ?? []
  const roles = access.roles ?? []
  const [picked, setPicked] = useState<MemberJson[]>([])
  const [role, setRole] = useState(roles.find((r) => r !== 'owner') ?? roles[0] ?? '')
  const [pending, setPending] = useState<Pending>(new Map())
  const [outside, setOutside] = useState<readonly MemberJson[]>([])
  const [message, setMessage] = useState('')
  const save = useChange((all: Pending) => post(path('workspaces', id, 'access'), { changes: changes(all, entries), message }))
  const include = useChange((m: MemberJson) => post(path('subscriptions', workspace.subscriptionId ?? '', 'users'), { members: [asMember(m)], role: 'user' }))
  // Whoever is picked is saved, too, so what becomes of him is shown as well.
  const all = picked.reduce((p, m) => plan(p, entries, m, role), pending)
  const add = () => {
    setPending(all)
    setPicked([])
  }
  const find = async (search: string, signal: AbortSignal) => {
    const found = await searchCandidates(id, search, signal)
    setOutside(search ? (found.outside ?? []) : [])
    return found.members ?? []
  }
  const submit = async () => {
    await save.mutateAsync(all)
    saved(t.saved)
    onClose()
  }
  const set = (m: MemberJson, to: string) => setPending(plan(pending, entries, m, to))
  return (
    <DialogForm onSubmit={() => void submit().catch(() => undefined)} onCancel={onClose} action={t.save} dirty={all.size > 0} ready={all.size > 0} busy={save.isPending} aside={<CopyButton variant="subtle" size="sm" value={`${window.location.origin}/console/services/${workspace.subscriptionId}/workspaces/${id}`}>{t.copy}</CopyButton>}>
      {roles.length === 0 && <Alert color="gray">{t.noRights}</Alert>}
      {roles.length > 0 && (
        <>
          <MemberPicker label={t.who} value={picked} onChange={setPicked} of={`candidates ${id}`} search={find} first />
          {outside.slice(0, 3).map((m) => (
            <Group key={m.user ?? m.group} gap="xs">
              <Text size="sm">{t.outside(memberName(m))}</Text>
              <Button size="compact-xs" variant="default" loading={include.isPending} onClick={() => include.mutate(m, { onSuccess: () => { setPicked([...picked, m]); setOutside([]) } })}>{t.include}</Button>
            </Group>
          ))}
          <Group align="flex-end" wrap="nowrap">
            <Select label={t.role} value={role} onChange={(r) => setRole(r ?? role)} allowDeselect={false} data={roles.map((r) => ({ value: r, label: roleLabel(r) }))} description={roleAbout(role)} flex={1} />
            <Button variant="default" disabled={picked.length === 0} onClick={add}>{t.add}</Button>
          </Group>
        </>
      )}
      <Present entries={entries} pending={pending} roles={roles} onSet={set} />
      <Inherited entries={access.inherited ?? []} />
      {all.size > 0 && (
        <Alert variant="light" color="sea" title={t.pending} role="status">
          <List size="sm">{sentences(all, entries).map((s) => <List.Item key={s}>{s}</List.Item>)}</List>
          <TextInput mt="sm" size="sm" label={t.notify} value={message} maxLength={500} onChange={(e) => setMessage(e.currentTarget.value)} />
        </Alert>
      )}
      {include.isError && <Failure error={include.error} what={t.include} />}
      {isConflict(save.error) && <Conflict onReload={() => { setPending(new Map()); save.reset(); onReload() }}>{save.error instanceof Error ? save.error.message : ''}</Conflict>}
      {save.isError && !isConflict(save.error) && <Failure error={save.error} what={t.save} />}
    </DialogForm>
  )
}
