import { createContext, use, useEffect, useRef, useState, type ReactNode } from 'react'
import { Button, Group, Modal, Text, type MantineSize } from '@mantine/core'
import { texts } from '../lib/texts'

type Props = {
  opened: boolean
  /** onClose is missing where one may not leave it. */
  onClose?: () => void
  title: string
  size?: MantineSize | number
  children: ReactNode
}

const Unsaved = createContext<(yes: boolean) => void>(() => undefined)

/** useUnsaved tells the dialog around it whether something was entered that would be lost with it. */
export function useUnsaved(yes: boolean): void {
  const tell = use(Unsaved)
  useEffect(() => {
    tell(yes)
    return () => tell(false)
  }, [tell, yes])
}

/** isOnTop tells whether no other dialog lies over one: a key closes the top layer alone. */
function isOnTop(content: HTMLElement | null): boolean {
  const all = document.querySelectorAll('[role=dialog][aria-modal=true]')
  return all.item(all.length - 1) === content
}

/**
 * Dialog lies over the page. Mark what gets the focus with data-autofocus. Escape, and
 * the cross, ask first where input would be lost.
 */
export function Dialog({ opened, onClose, title, size = 'md', children }: Props) {
  const [unsaved, setUnsaved] = useState(false)
  const content = useRef<HTMLDivElement>(null)
  const [asking, setAsking] = useState(false)
  const leave = () => {
    if (!onClose || !isOnTop(content.current)) return
    if (unsaved) setAsking(true)
    else onClose()
  }
  return (
    <>
      <Modal.Root opened={opened} onClose={leave} closeOnEscape={!!onClose} closeOnClickOutside={false} size={size} centered returnFocus={false} transitionProps={{ duration: 0 }}>
        <Modal.Overlay />
        <Modal.Content ref={content}>
          <FocusBack />
          {/* else it counts as a second banner of the page */}
          <Modal.Header role="none">
            <Modal.Title>{title}</Modal.Title>
            {onClose && <Modal.CloseButton aria-label={texts.common.close} />}
          </Modal.Header>
          <Modal.Body><Unsaved value={setUnsaved}>{children}</Unsaved></Modal.Body>
        </Modal.Content>
      </Modal.Root>
      {opened && asking && <AskToLeave onStay={() => setAsking(false)} onLeave={() => { setAsking(false); onClose?.() }} />}
    </>
  )
}

/** AskToLeave asks before what was entered is lost. */
export function AskToLeave({ onStay, onLeave }: { onStay: () => void; onLeave: () => void }) {
  const t = texts.common.leaving
  return (
    <Dialog opened onClose={onStay} title={t.title} size="sm">
      <Text size="sm">{t.about}</Text>
      <Group justify="flex-end" mt="md">
        <Button variant="default" data-autofocus onClick={onStay}>{t.stay}</Button>
        <Button color="red" onClick={onLeave}>{t.leave}</Button>
      </Group>
    </Dialog>
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
