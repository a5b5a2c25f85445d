import type { ReactNode } from 'react'
import { Stack, Text, ThemeIcon } from '@mantine/core'
import { texts } from '../lib/texts'
import { Icon, type IconName } from './Icon'

type Kind = 'nothing' | 'noMatch' | 'notAllowed'
const icons: Record<Kind, IconName> = { nothing: 'spark', noMatch: 'search', notAllowed: 'lock' }

/** Empty says why there is nothing to see, and what to do: nothing yet, no match, or not allowed. */
export function Empty({ kind, title, children, action }: { kind: Kind; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" py="xl" px="md" ta="center" data-empty={kind}>
      <ThemeIcon size={56} radius="xl" variant="light" color={kind === 'notAllowed' ? 'yellow' : kind === 'noMatch' ? 'gray' : 'sea'} aria-hidden>
        <Icon name={icons[kind]} size={26} />
      </ThemeIcon>
      <Text fw={600} size="lg">{title}</Text>
      {children && <Text c="dimmed" maw={520} component="div">{children}</Text>}
      {action}
    </Stack>
  )
}

/** NotAllowed names the permission that is missing, and who can grant it. */
export function NotAllowed({ permission, who, title }: { permission: string; who?: string; title?: string }) {
  const t = texts.common
  return (
    <Empty kind="notAllowed" title={title ?? t.notAllowed}>
      {t.notAllowedHint(permission)} {who && t.whoGrants(who)}
    </Empty>
  )
}
