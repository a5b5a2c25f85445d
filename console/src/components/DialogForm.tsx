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
  action: string
  /** dirty is whether something was entered that would be lost. */
  dirty: boolean
  busy: boolean
  /** ready is whether it can be sent as it is. */
  ready?: boolean
  /** aside stands opposite the buttons. */
  aside?: ReactNode
  children: ReactNode
}

/** DialogForm is what a dialog asks for, with its buttons: it changes something, so it waits while nothing can be changed. */
export function DialogForm({ onSubmit, onCancel, action, dirty, busy, ready = true, aside, children }: Props) {
  const { readOnly } = useMe()
  useUnsaved(dirty)
  return (
    <Form onSubmit={() => { if (ready && !busy && !readOnly) onSubmit() }}>
      <Stack>
        {children}
        <Group justify="space-between">
          <div>{aside}</div>
          <Group>
            <Button variant="default" onClick={onCancel}>{texts.common.cancel}</Button>
            <WriteButton type="submit" loading={busy} disabled={!ready}>{action}</WriteButton>
          </Group>
        </Group>
      </Stack>
    </Form>
  )
}
