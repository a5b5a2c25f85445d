import type { ReactNode } from 'react'
import { Button, Group, Stack } from '@mantine/core'
import { useMe } from '../api/me'
import { texts } from '../lib/texts'
import { useUnsaved } from './Dialog'
import { Form } from './Form'
import { WriteButton } from './WriteButton'

type Props = {
  onSubmit: () => unknown
  onCancel: () => void
  /** cancel is what its button says, if it is not "Cancel". */
  cancel?: string
  action: string
  /** danger is whether it takes away: the focus starts on Cancel then. */
  danger?: boolean
  /** stored is false where nothing is changed on the server, which can always be done. */
  stored?: boolean
  /** dirty is whether something was entered that would be lost. */
  dirty: boolean
  busy: boolean
  /** ready is whether it can be sent as it is. */
  ready?: boolean
  /** aside stands opposite the buttons. */
  aside?: ReactNode
  children: ReactNode
}

/** DialogForm is what a dialog asks for, with its buttons: what changes something waits while nothing can be changed. */
export function DialogForm({ onSubmit, onCancel, cancel = texts.common.cancel, action, danger = false, stored = true, dirty, busy, ready = true, aside, children }: Props) {
  const { readOnly } = useMe()
  useUnsaved(dirty)
  const Act = stored ? WriteButton : Button
  return (
    <Form onSubmit={() => { if (ready && !busy && !(stored && readOnly)) onSubmit() }}>
      <Stack>
        {children}
        <Group justify="space-between">
          <div>{aside}</div>
          <Group>
            <Button variant="default" onClick={onCancel} {...(danger ? { 'data-autofocus': true } : {})}>{cancel}</Button>
            <Act type="submit" loading={busy} disabled={!ready} {...(danger ? { color: 'red' } : {})}>{action}</Act>
          </Group>
        </Group>
      </Stack>
    </Form>
  )
}
