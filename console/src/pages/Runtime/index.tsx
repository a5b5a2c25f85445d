import { useState } from 'react'
import { Badge, Group, List, Stack, Switch, Table, Text, TextInput, Title } from '@mantine/core'
import { useNode, useSettings } from '../../api/node'
import type { BuildJson, ReadSettingsResponseJson, SettingJson } from '../../api/gen/pemba/console/v1/node_pb'
import { Empty } from '../../components/Empty'
import { Facts } from '../../components/Facts'
import { Refused } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Page } from '../../components/Page'
import { ScrollBox } from '../../components/ScrollBox'
import { texts } from '../../lib/texts'

const t = texts.operations.runtime

/** Runtime shows the build, the settings and where they come from, and what is answered. */
export function Runtime() {
  const settings = useSettings()
  const build = useNode('').data?.build
  return (
    <Page title={texts.operations.pages.runtime} about={t.about}>
      {settings.isPending && <Loading />}
      {settings.isError && <Refused error={settings.error} what={t.reading} permission={texts.operations.permission} retry={settings.refetch} />}
      {settings.data && (
        <Stack gap="lg">
          <Build build={build} />
          <Surfaces surface={settings.data.surface ?? []} />
          <Settings settings={settings.data.settings ?? []} />
        </Stack>
      )}
    </Page>
  )
}

function Build({ build }: { build: BuildJson | undefined }) {
  return (
    <section aria-labelledby="build">
      <Title order={2} size="h4" mb="xs" id="build">{t.build}</Title>
      <Facts facts={[
        { label: 'Version', value: build?.version }, { label: 'Go', value: build?.goVersion }, { label: 'Platform', value: build?.platform },
        { label: 'Commit', value: build?.commit ? `${build.commit.slice(0, 12)}${build.modified ? ' +' : ''}` : undefined },
      ]} />
    </section>
  )
}

function Surfaces({ surface }: { surface: NonNullable<ReadSettingsResponseJson['surface']> }) {
  return (
    <section aria-labelledby="surface">
      <Title order={2} size="h4" mb="xs" id="surface">{t.surface}</Title>
      <List listStyleType="none" spacing={6}>
        {surface.map((s) => (
          <List.Item key={s.name}>
            <Badge variant="light" color={s.on ? 'green' : 'gray'}>{s.on ? t.on : t.off}</Badge> <b>{s.name}</b> <Text span c="dimmed" size="sm">{s.detail}</Text>
          </List.Item>
        ))}
      </List>
    </section>
  )
}

function Settings({ settings }: { settings: SettingJson[] }) {
  const [filter, setFilter] = useState('')
  const [changed, setChanged] = useState(false)
  const wanted = filter.trim().toLowerCase()
  const shown = settings.filter((s) => (!changed || s.source !== 'SOURCE_DEFAULT') && `${s.name} ${s.usage}`.toLowerCase().includes(wanted))
  return (
    <section aria-labelledby="settings">
      <Title order={2} size="h4" mb="xs" id="settings">{t.settings}</Title>
      <Group mb="xs" align="center" role="search">
        <TextInput type="search" aria-label={t.filter} placeholder={t.filter} value={filter} onChange={(e) => setFilter(e.currentTarget.value)} className="app-grow" maw={380} />
        <Switch label={t.changed} checked={changed} onChange={(e) => setChanged(e.currentTarget.checked)} />
      </Group>
      {shown.length === 0
        ? <Empty kind="noMatch" title={t.noMatch} />
        : (
          <ScrollBox label={t.scroll}>
            <Table verticalSpacing={6} miw={760}>
              <Table.Thead><Table.Tr>{t.columns.map((c) => <Table.Th key={c} scope="col">{c}</Table.Th>)}</Table.Tr></Table.Thead>
              <Table.Tbody>{shown.map((s) => <Setting key={s.name} s={s} />)}</Table.Tbody>
            </Table>
          </ScrollBox>
        )}
    </section>
  )
}

function Setting({ s }: { s: SettingJson }) {
  return (
    <Table.Tr>
      <Table.Th scope="row" className="app-mono">--{s.name}</Table.Th>
      <Table.Td className="app-mono">{s.secret ? (s.value ? t.secret : <Text span c="dimmed" size="sm">{t.empty}</Text>) : s.value || <Text span c="dimmed" size="sm">{t.empty}</Text>}</Table.Td>
      <Table.Td><Badge variant="light" color={s.source === 'SOURCE_DEFAULT' ? 'gray' : 'sea'}>{t.sources[s.source ?? 'SOURCE_UNSPECIFIED']}</Badge>{s.origin && <Text size="xs">{s.origin}</Text>}</Table.Td>
      <Table.Td><Text size="sm">{s.usage}</Text></Table.Td>
    </Table.Tr>
  )
}
