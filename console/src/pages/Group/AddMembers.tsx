import { useState } from 'react'
import { Alert } from '@mantine/core'
import { post } from '../../api/client'
import { isApiError } from '../../api/errors'
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import type { GroupJson } from '../../api/gen/pemba/portal/v1/groups_pb'
import { someMembers } from '../../api/portal/groups'
import { path, useChange } from '../../api/portal/lists'
import { asMember } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { Failure } from '../../components/Failure'
import { MemberPicker } from '../../components/portal/MemberPicker'
import { texts } from '../../lib/texts'

const t = texts.company.group

/** AddMembers puts people, groups and job titles into a group, all or none. */
export function AddMembers({ group, onClose }: { group: GroupJson | undefined; onClose: () => void }) {
  return <Dialog opened={!!group} onClose={onClose} title={t.addTitle(group?.name ?? '')} size="lg">{group && <Form group={group} onClose={onClose} />}</Dialog>
}

function Form({ group, onClose }: { group: GroupJson; onClose: () => void }) {
  const [members, setMembers] = useState<MemberJson[]>([])
  const add = useChange(() => post(path('groups', group.id ?? '', 'members'), { add: members.map(asMember) }))
  const submit = async () => {
    await add.mutateAsync()
    saved(t.added)
    onClose()
  }
  // A cycle is refused with its path, by rule 10.
  const cycle = isApiError(add.error) && add.error.metadata['rule'] === '10'
  return (
    <DialogForm onCancel={onClose} onSubmit={() => void submit().catch(() => undefined)} action={t.add} dirty={members.length > 0} ready={members.length > 0} busy={add.isPending}>
      <MemberPicker label={t.members} value={members} onChange={setMembers} of="members" search={someMembers} first />
      {cycle && <Alert color="red" role="alert" variant="light" title={t.cycle}>{add.error?.message}</Alert>}
      {add.isError && !cycle && <Failure error={add.error} what={t.add} />}
    </DialogForm>
  )
}
