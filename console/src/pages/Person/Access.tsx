import { useState } from 'react'
import { Alert, Button, Group, Paper, Stack, Text, Title } from '@mantine/core'
import { useMe } from '../../api/me'
import type { AccessLineJson, UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { useUserAccess } from '../../api/portal/people'
import { can, roleLabel, serviceName } from '../../api/portal/words'
import { Empty } from '../../components/Empty'
import { Refused } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { Why } from '../../components/portal/Why'
import { WriteButton } from '../../components/WriteButton'
import { list } from '../../lib/format'
import { texts } from '../../lib/texts'
import { how, idOf, kindOf, tree, type Branch, type Place } from './access'
import { RemoveRole } from './RemoveRole'
import './tree.css'

const t = texts.company.person

/** Access is what a person has access to: service, workspace, role, and why. */
export function Access({ of: u }: { of: UserJson }) {
  const access = useUserAccess(u.id ?? '')
  const [removing, setRemoving] = useState<AccessLineJson>()
  if (access.isPending) return <Loading />
  if (access.isError) return <Refused error={access.error} what={t.tabs.access} permission="list_users" retry={access.refetch} />
  const branches = tree((access.data.lines ?? []).filter((l) => kindOf(l.resource) !== 'group'))
  if (branches.length === 0) return <Empty kind="nothing" title={t.noAccess}>{t.noAccessHint}</Empty>
  return (
    <Stack>
      {u.state === 'USER_STATE_DEACTIVATED' && <Alert color="yellow" variant="light">{t.accessOff}</Alert>}
      {access.data.more && <Alert color="yellow" variant="light">{t.more}</Alert>}
      {branches.map((b) => <Service key={b.service} branch={b} onRemove={setRemoving} />)}
      <RemoveRole user={u} line={removing} onClose={() => setRemoving(undefined)} />
    </Stack>
  )
}

function Service({ branch, onRemove }: { branch: Branch; onRemove: (l: AccessLineJson) => void }) {
  const name = branch.service === 'SERVICE_UNSPECIFIED' ? t.company : serviceName(branch.service)
  const sid = useMe().services.find((s) => s.service === branch.service)?.id ?? ''
  return (
    <Paper withBorder p="md" component="section" aria-label={name}>
      <Title order={2} size="h5" mb="xs">{name}</Title>
      <ul className="tree">
        {branch.places.map((p) => <PlaceItem key={p.resource} place={p} sid={sid} onRemove={onRemove} />)}
      </ul>
    </Paper>
  )
}

function PlaceItem({ place, sid, onRemove }: { place: Place; sid: string; onRemove: (l: AccessLineJson) => void }) {
  const kind = kindOf(place.resource)
  const id = idOf(place.resource)
  const workspace = kind === 'model' || kind === 'project'
  return (
    <li className={workspace ? 'tree-inner' : undefined}>
      {kind === 'subscription' && <TextLink to="/services/$sid" params={{ sid: id }} fw={600}>{place.name}</TextLink>}
      {workspace && (sid ? <TextLink to="/services/$sid/workspaces/$wid" params={{ sid, wid: id }}>{place.name}</TextLink> : place.name)}
      {kind !== 'subscription' && !workspace && <Text span fw={600}>{place.name}</Text>}
      {place.lines.map((l, i) => <Line key={i} line={l} onRemove={onRemove} />)}
    </li>
  )
}

function Line({ line, onRemove }: { line: AccessLineJson; onRemove: (l: AccessLineJson) => void }) {
  const [why, setWhy] = useState(false)
  const name = `${roleLabel(line.role)}, ${line.resourceName ?? ''}`
  return (
    <div>
      <Group gap="xs">
        <Text size="sm">{roleLabel(line.role)}<Text span c="dimmed" size="sm">, {how(line)}{!line.works && `, ${t.idle}`}</Text></Text>
        {!!line.why?.length && <Button size="compact-xs" variant="subtle" aria-expanded={why} aria-label={`${why ? t.hideWhy : t.why}: ${name}`} onClick={() => setWhy(!why)}>{why ? t.hideWhy : t.why}</Button>}
        {line.how === 'direct' && can(line.allowed, 'remove') && <WriteButton size="compact-xs" variant="subtle" color="gray" aria-label={`${t.remove}: ${name}`} onClick={() => onRemove(line)}>{t.remove}</WriteButton>}
      </Group>
      {why && (
        <div className="tree-why">
          <Why steps={line.why} />
          {!!line.permissions?.length && <Text size="xs" c="dimmed" mt={4}>{t.rights}: {list(line.permissions.map((p) => p.replaceAll('_', ' ')))}</Text>}
        </div>
      )}
    </div>
  )
}
