import { useState, type ReactNode } from 'react'
import { Button, Group, Stack, TextInput } from '@mantine/core'
import { texts } from '../lib/texts'
import { Dialog } from './Dialog'
import { Failure } from './Failure'
import { WriteButton } from './WriteButton'

type Props = {
  opened: boolean
  onClose: () => void
  title: string
  /** children name the object and show the effect. */
  children: ReactNode
  action: string
  /** onConfirm does it; a failure is shown in the dialog, which stays open. */
  onConfirm: () => Promise<unknown>
  danger?: boolean
  /** stored is false where nothing is changed on the server, which can always be done. */
  stored?: boolean
  /** typeName has to be typed first: only for what cannot be made again. */
  typeName?: string
  /** blocked is why it cannot be done. */
  blocked?: string
}

/** Confirm asks before something that takes away; the focus starts on Cancel. */
export function Confirm(p: Props) {
  return (
    <Dialog opened={p.opened} onClose={p.onClose} title={p.title}>
      {p.opened && <Body {...p} />}
    </Dialog>
  )
}

function Body({ onClose, children, action, onConfirm, danger = true, stored = true, typeName, blocked }: Props) {
  const t = texts.common
  const [typed, setTyped] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const confirm = async () => {
    setBusy(true)
    setError(undefined)
    try {
      await onConfirm()
      onClose()
    } catch (e) {
      setError(e)
    } finally {
      setBusy(false)
    }
  }
  const Act = stored ? WriteButton : Button
  const ready = !blocked && (typeName === undefined || typed === typeName)
  return (
    <Stack>
      <div>{children}</div>
      {typeName !== undefined && <TextInput label={t.typeName(typeName)} value={typed} onChange={(e) => setTyped(e.currentTarget.value)} autoComplete="off" />}
      {blocked && <div id="confirm-blocked">{blocked}</div>}
      {error !== undefined && <Failure error={error} what={action} />}
      <Group justify="flex-end">
        <Button variant="default" data-autofocus onClick={onClose}>{t.cancel}</Button>
        <Act {...(danger ? { color: 'red' } : {})} disabled={!ready} loading={busy} onClick={() => void confirm()} {...(blocked ? { 'aria-describedby': 'confirm-blocked' } : {})}>{action}</Act>
      </Group>
    </Stack>
  )
}
