import { useState } from 'react'
import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { get, post, query } from '../../api/client'
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import type { ListSubscriptionUsersResponseJson, SubscriptionUserJson } from '../../api/gen/pemba/portal/v1/subscriptions_pb'
import { path, useChange } from '../../api/portal/lists'
import type { Removal } from '../../api/portal/subscriptions'
import { asMember, memberName } from '../../api/portal/words'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { Failure } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Effects } from '../../components/portal/Effects'
import { MemberPicker } from '../../components/portal/MemberPicker'
import { texts } from '../../lib/texts'

const t = texts.portal.service

/** RemoveUser shows what somebody loses before he is removed from a subscription. */
export function RemoveUser({ id, user, onClose }: { id: string; user: SubscriptionUserJson | undefined; onClose: () => void }) {
  const [heirs, setHeirs] = useState<MemberJson[]>([])
  const successor = heirs[0]?.user ?? ''
  const member = user?.member ? asMember(user.member) : undefined
  const preview = useQuery({
    queryKey: ['portal', 'removal', id, member, successor],
    queryFn: ({ signal }) => post<Removal>(path('subscriptions', id) + '/users:preview-remove', { member, successor }, { signal }),
    enabled: !!user,
  })
  const remove = useChange(() => post(path('subscriptions', id) + '/users:remove', { member, successor }))
  const close = () => {
    setHeirs([])
    onClose()
  }
  const find = async (search: string, signal: AbortSignal) => {
    const found = await get<ListSubscriptionUsersResponseJson>(path('subscriptions', id, 'users') + query({ search }), { signal })
    return (found.users ?? []).flatMap((u) => (u.member?.user && u.member.user !== user?.member?.user ? [u.member] : []))
  }
  return (
    <Confirm opened={!!user} onClose={close} title={t.removeTitle(memberName(user?.member))} action={texts.common.remove}
      onConfirm={async () => { await remove.mutateAsync(); saved(t.removed(memberName(user?.member))) }} {...(preview.data?.allowed ? {} : { blocked: preview.isPending ? texts.common.loading : texts.portal.blocked })}>
      <Stack gap="sm">
        <Text size="sm">{t.removeAbout}</Text>
        {preview.isPending && <Loading rows={2} height={20} />}
        {preview.isError && <Failure error={preview.error} what={texts.portal.effects} retry={preview.refetch} />}
        {preview.data && <Effects effects={preview.data.effects} allowed={preview.data.allowed} />}
        {(preview.data?.needsSuccessor || heirs.length > 0) && <MemberPicker label={t.successor} value={heirs} onChange={(m) => setHeirs(m.slice(-1))} of={`heirs ${id}`} search={find} />}
      </Stack>
    </Confirm>
  )
}
