import { Anchor, SimpleGrid, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { personName, roleLabel, serviceName } from '../../api/portal/words'
import { list, moment, plural } from '../../lib/format'
import { texts } from '../../lib/texts'

const t = texts.portal.workspace

const time = (text: string | undefined) => (text ? <time dateTime={text}>{moment(new Date(text))}</time> : '')

/** Overview is what a workspace is, and what one may do on it. */
export function Overview({ of: w }: { of: WorkspaceJson }) {
  return (
    <Stack>
      <Text style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }} maw={760}>{w.description || <Text span c="dimmed">{t.noDescription}</Text>}</Text>
      <SimpleGrid component="dl" cols={{ base: 1, sm: 2, md: 3 }} m={0}>
        <Fact name={texts.portal.owner}>{list((w.owners ?? []).map(personName))}{w.onlyInactiveOwners && ` (${t.inactive.toLowerCase()})`}</Fact>
        <Fact name={texts.portal.people}>{plural(w.people ?? 0, 'person or group with a role', 'people and groups with a role')}</Fact>
        <Fact name={t.yourRole}>{w.role ? roleLabel(w.role) : t.noRole}</Fact>
        <Fact name={t.createdAt}>{time(w.createdAt)}</Fact>
        <Fact name={texts.portal.changed}>{time(w.changedAt)}</Fact>
        <Fact name={t.youMay}>{list((w.allowed ?? []).map((a) => a.replaceAll('_', ' ')))}</Fact>
      </SimpleGrid>
      {w.portalUrl && <Anchor href={w.portalUrl} rel="noopener">{texts.portal.home.open(serviceName(w.service))}</Anchor>}
    </Stack>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text component="dt" size="xs" c="dimmed">{name}</Text>
      <Text component="dd" m={0} style={{ overflowWrap: 'anywhere' }}>{children}</Text>
    </div>
  )
}
