import { useState } from 'react'
import { Text } from '@mantine/core'
import { post } from '../../api/client'
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import type { UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { peopleAsMembers } from '../../api/portal/groups'
import { path, useChange } from '../../api/portal/lists'
import { memberName } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { Failure } from '../../components/Failure'
import { MemberPicker } from '../../components/portal/MemberPicker'
import { texts } from '../../lib/texts'

const t = texts.company.administrators

/** Include makes somebody of the pool an administrator. */
export function Include({ opened, present, onClose }: { opened: boolean; present: readonly UserJson[]; onClose: () => void }) {
  return <Dialog opened={opened} onClose={onClose} title={t.include}>{opened && <Form present={present} onClose={onClose} />}</Dialog>
}

function Form({ present, onClose }: { present: readonly UserJson[]; onClose: () => void }) {
  const [picked, setPicked] = useState<MemberJson[]>([])
  const include = useChange(() => post(path('administrators'), { userId: picked[0]?.user }))
  const find = async (search: string, signal: AbortSignal) =>
    (await peopleAsMembers(search, signal)).filter((m) => !present.some((u) => u.id === m.user))
  const submit = async () => {
    await include.mutateAsync()
    saved(t.included(memberName(picked[0])))
    onClose()
  }
  return (
    <DialogForm onCancel={onClose} onSubmit={() => void submit().catch(() => undefined)} action={t.include} dirty={picked.length > 0} ready={picked.length > 0} busy={include.isPending}>
      <Text size="sm">{t.includeAbout}</Text>
      <MemberPicker label={t.who} value={picked} onChange={(m) => setPicked(m.slice(-1))} of="people" search={find} first />
      {include.isError && <Failure error={include.error} what={t.include} />}
    </DialogForm>
  )
}
