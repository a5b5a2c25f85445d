import { Badge, Group, Paper, Progress, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import type { SubscriptionJson } from '../../api/gen/pemba/portal/v1/subscriptions_pb'
import { useSubscriptions } from '../../api/portal/subscriptions'
import { personName, roleLabel, serviceName, workspaceNoun } from '../../api/portal/words'
import { Empty } from '../../components/Empty'
import { Failure } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { count, list, plural } from '../../lib/format'
import { texts } from '../../lib/texts'

const t = texts.portal.home

/** Services has a card for each subscription that one may open. */
export function Services() {
  const all = useSubscriptions()
  return (
    <section aria-labelledby="home-services">
      <Title order={2} size="h4" mb="sm" id="home-services">{t.services}</Title>
      {all.isPending && <Loading rows={2} height={120} />}
      {all.isError && <Failure error={all.error} what={t.services} retry={all.refetch} />}
      {all.data && (all.data.subscriptions?.length
        ? <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>{all.data.subscriptions.map((s) => <Card key={s.id} of={s} />)}</SimpleGrid>
        : <Empty kind="nothing" title={t.noService}>{all.data.administrators?.length ? t.ask(list(all.data.administrators.map(personName))) : ''}</Empty>)}
    </section>
  )
}

function Card({ of: s }: { of: SubscriptionJson }) {
  const used = s.licencesUsed ?? 0
  const bought = s.licences ?? 0
  return (
    <Paper withBorder p="md" radius="md">
      <Stack gap={6}>
        <Group justify="space-between" align="flex-start">
          <TextLink to="/services/$sid" params={{ sid: s.id ?? '' }} fw={600} size="lg">{serviceName(s.service)}</TextLink>
          {s.noActiveOwner && <Badge color="yellow" variant="light">{t.noOwner}</Badge>}
        </Group>
        <Text size="sm" c="dimmed">{t.role(roleLabel(s.role))}</Text>
        <Text size="sm">{plural(s.users ?? 0, 'user')}, {plural(s.workspaces ?? 0, workspaceNoun(s.service).one)}</Text>
        {bought > 0 && (
          <>
            <Progress value={(100 * used) / bought} aria-label={t.licences(count(used), count(bought))} size="sm" />
            <Text size="xs" c="dimmed">{t.licences(count(used), count(bought))}</Text>
          </>
        )}
      </Stack>
    </Paper>
  )
}
