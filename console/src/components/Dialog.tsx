import { useEffect, type ReactNode } from 'react'
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
    <Modal.Root opened={opened} onClose={onClose ?? (() => undefined)} closeOnEscape={!!onClose} closeOnClickOutside={false} size={size} centered returnFocus={false} transitionProps={{ duration: 0 }}>
      <Modal.Overlay />
      <Modal.Content>
        <FocusBack />
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

/** FocusBack gives the focus back to what had it, however the dialog ends. */
function FocusBack() {
  useEffect(() => {
    const before = document.activeElement
    return () => {
      if (before instanceof HTMLElement && before.isConnected) setTimeout(() => before.focus({ preventScroll: true }))
    }
  }, [])
  return null
}
