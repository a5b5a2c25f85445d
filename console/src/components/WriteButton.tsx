import { Button, Tooltip, type ButtonProps } from '@mantine/core'
import { useMe } from '../api/me'
import { texts } from '../lib/texts'

/**
 * WriteButton changes something: while that is not possible, or reason says why
 * it is not, it stays in the tab order and says so.
 */
export function WriteButton({ reason, onClick, children, type = 'button', ...rest }: ButtonProps & { reason?: string; onClick?: () => void; type?: 'button' | 'submit'; 'aria-label'?: string; 'aria-describedby'?: string }) {
  const { readOnly } = useMe()
  const why = readOnly ? texts.common.writesOff(readOnly) : (reason ?? '')
  if (!why) return <Button type={type} {...(onClick ? { onClick } : {})} {...rest}>{children}</Button>
  return (
    <Tooltip label={why} multiline maw={320} withArrow events={{ hover: true, focus: true, touch: true }}>
      <Button {...rest} type="button" data-disabled aria-disabled="true" aria-description={why} onClick={(e) => e.preventDefault()}>{children}</Button>
    </Tooltip>
  )
}
