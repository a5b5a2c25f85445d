import type { ReactNode } from 'react'
import { Modal, type MantineSize } from '@mantine/core'
import { texts } from '../lib/texts'

type Props = {
  opened: boolean
  /** onClose is missing where one may not leave it. */
  onClose?: () => void
  title: string
  size?: MantineSize | number
  children: ReactNode
}

/** Dialog lies over the page. Mark what gets the focus with data-autofocus. */
export function Dialog({ opened, onClose, title, size = 'md', children }: Props) {
  return (
    <Modal.Root opened={opened} onClose={onClose ?? (() => undefined)} closeOnEscape={!!onClose} closeOnClickOutside={false} size={size} centered>
      <Modal.Overlay />
      <Modal.Content>
        {/* else it counts as a second banner of the page */}
        <Modal.Header role="none">
          <Modal.Title>{title}</Modal.Title>
          {onClose && <Modal.CloseButton aria-label={texts.common.close} />}
        </Modal.Header>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}
