import { useState } from 'react'
import { Button, Group, NativeSelect, Text, Title } from '@mantine/core'
import { useProfile } from '../../api/node'
import type { ProfileRequest_KindJson } from '../../api/gen/pemba/console/v1/node_pb'
import { atLeast, useMe } from '../../api/me'
import { Coded } from '../../components/Coded'
import { Failure } from '../../components/Failure'
import { downloadBytes } from '../../lib/download'
import { texts } from '../../lib/texts'

const t = texts.operations.node

/** Profiles makes a profile of the process, for those who administrate it. */
export function Profiles({ node }: { node: string }) {
  const [kind, setKind] = useState<ProfileRequest_KindJson>('KIND_CPU')
  const profile = useProfile()
  if (!atLeast(useMe().operations, 'admin')) return null
  const take = () => profile.mutate({ node, kind }, { onSuccess: (r) => downloadBytes(r.fileName ?? 'profile.pb.gz', r.profile ?? '', 'application/gzip') })
  return (
    <section aria-label={t.sections.profile}>
      <Title order={2} size="h4" mb="xs">{t.sections.profile}</Title>
      <Text size="sm" c="dimmed" mb="xs"><Coded>{t.profileHint}</Coded></Text>
      <Group align="flex-end">
        <NativeSelect label={t.profileKind} value={kind} onChange={(e) => setKind(e.currentTarget.value as ProfileRequest_KindJson)} data={Object.entries(t.profiles).map(([value, label]) => ({ value, label }))} />
        <Button variant="default" onClick={take} loading={profile.isPending}>{t.take}</Button>
      </Group>
      {profile.isError && <Failure error={profile.error} what={t.sections.profile} />}
    </section>
  )
}
