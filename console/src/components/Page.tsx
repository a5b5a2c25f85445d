import { createContext, use, useEffect, useRef, type ReactNode } from 'react'
import { Box, Group, Text, Title } from '@mantine/core'
import { texts } from '../lib/texts'

/** Visits counts the pages that were opened since the console was loaded. */
export const Visits = createContext(0)

/** titleOf is what the page of one thing is called: its name, or what kind of thing it is where that cannot be read. */
export const titleOf = (of: { isPending: boolean }, name: string | undefined, kind: string): string => name ?? (of.isPending ? texts.common.loading : kind)

/**
 * Page is the frame of every page: its one h1, which is also the title of the
 * window and gets the focus when one comes from another page, and its actions.
 * fill makes it as high as the window, for pages that scroll inside.
 */
export function Page({ title, about, actions, fill, children }: { title: string; about?: ReactNode; actions?: ReactNode; fill?: boolean; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null)
  const visits = use(Visits)
  useEffect(() => {
    document.title = `${title} · ${texts.common.product}`
  }, [title])
  useEffect(() => {
    if (visits > 0) heading.current?.focus({ preventScroll: true })
  }, [visits])
  return (
    <Box className={fill ? 'app-page app-page-fill' : 'app-page'}>
      <Group justify="space-between" align="flex-start" gap="sm" mb="md">
        <Box miw={0} className="app-title">
          <Title order={1} size="h2" ref={heading} tabIndex={-1} className="app-heading">{title}</Title>
          {about && <Text c="dimmed" size="sm" mt={2} maw={760} component="div">{about}</Text>}
        </Box>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Box>
  )
}
