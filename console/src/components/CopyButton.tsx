import { Button, CopyButton as Copy, type ButtonProps } from '@mantine/core'
import { texts } from '../lib/texts'
import { announce } from './Announcer'

/** CopyButton puts a text into the clipboard, and says so. */
export function CopyButton({ value, children, ...rest }: ButtonProps & { value: string; children: string }) {
  return (
    <Copy value={value}>
      {({ copied, copy }) => (
        <Button variant="default" size="compact-sm" {...rest} onClick={() => { copy(); announce(texts.common.copied) }}>{copied ? texts.common.copied : children}</Button>
      )}
    </Copy>
  )
}
