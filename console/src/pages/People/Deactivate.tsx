import { Stack, Text } from '@mantine/core'
import { post } from '../../api/client'
import type { UserJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { path, useChange } from '../../api/portal/lists'
import { useDeactivation, userName } from '../../api/portal/people'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { Failure } from '../../components/Failure'
import { Loading } from '../../components/Loading'
import { Effects } from '../../components/portal/Effects'
import { texts } from '../../lib/texts'

const t = texts.company

/** Deactivate shows what ends and what is kept before somebody is deactivated. */
export function Deactivate({ user, onClose }: { user: UserJson | undefined; onClose: () => void }) {
  const preview = useDeactivation(user?.id)
  const deactivate = useChange(() => post(path('users', user?.id ?? '', 'deactivate'), {}))
  const confirm = async () => {
    await deactivate.mutateAsync()
    saved(t.people.deactivated(userName(user)))
  }
  const blocked = preview.data?.allowed ? {} : { blocked: preview.isPending ? texts.common.loading : texts.portal.blocked }
  return (
    <Confirm opened={!!user} onClose={onClose} title={t.deactivate.title(userName(user))} action={t.people.deactivate} onConfirm={confirm} {...blocked}>
      <Stack gap="sm">
        <Text size="sm">{t.deactivate.about}</Text>
        {preview.isPending && <Loading rows={2} height={20} />}
        {preview.isError && <Failure error={preview.error} what={texts.portal.effects} retry={preview.refetch} />}
        {preview.data && <Effects effects={preview.data.effects} allowed={preview.data.allowed} />}
      </Stack>
    </Confirm>
  )
}
