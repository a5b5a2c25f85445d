import { useState } from 'react'
import { TextInput } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { isApiError } from '../../api/errors'
import { useReview, useWriteSchema, type Live } from '../../api/schemaTools'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { Failure } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Conflict } from '../../components/Outcome'
import { ScrollBox } from '../../components/ScrollBox'
import { texts } from '../../lib/texts'
import { Reviewed } from './Review'

const t = texts.schema

/** WriteDialog shows once more what a write changes, asks why, and writes. */
export function WriteDialog({ text, base, onClose }: { text: string; base: Live; onClose: () => void }) {
  const client = useQueryClient()
  const review = useReview(text, true)
  const write = useWriteSchema()
  const [reason, setReason] = useState('')
  const [missing, setMissing] = useState(false)
  const submit = () => {
    setMissing(reason.trim() === '')
    if (reason.trim() === '') return
    write.mutate({ schemaText: text, reason: reason.trim(), ...(base ? { seen: { token: base.token } } : {}) }, { onSuccess: () => { saved(t.written); onClose() } })
  }
  const reload = () => {
    void client.invalidateQueries({ queryKey: ['schema'] })
    onClose()
  }
  return (
    <Dialog opened onClose={onClose} title={t.writeTitle} size="xl">
      <DialogForm onSubmit={submit} onCancel={onClose} action={t.write} dirty={reason !== ''} busy={write.isPending} ready={review.isSuccess && !review.data.blocked}>
        {review.isPending && <Loading rows={3} label={t.reviewing} />}
        {review.isError && <Failure error={review.error} what={t.reviewing} retry={review.refetch} />}
        {review.data && <ScrollBox label={t.tabs.review} low><Reviewed review={review.data} /></ScrollBox>}
        <TextInput label={t.reason} description={t.reasonHint} value={reason} onChange={(e) => setReason(e.currentTarget.value)} maxLength={500} required data-autofocus {...(missing ? { error: t.reasonNeeded } : {})} />
        {isApiError(write.error, 'ABORTED') ? <Conflict onReload={reload}>{write.error.message}</Conflict> : write.isError && <Failure error={write.error} what={t.writeTitle} />}
      </DialogForm>
    </Dialog>
  )
}
