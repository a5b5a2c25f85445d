import { Button, Group, Stack } from '@mantine/core'
import type { SaveClientResponseJson } from '../../api/gen/pemba/portal/v1/settings_pb'
import { Dialog } from '../../components/Dialog'
import { Secret } from '../../components/portal/Secret'
import { Terms } from '../../components/Terms'
import { texts } from '../../lib/texts'

const t = texts.settings.clients

/** ClientSecret shows what a portal has to know. Nobody leaves it by mistake: the secret is shown once. */
export function ClientSecret({ made, issuer, onDone }: { made: SaveClientResponseJson | undefined; issuer: string; onDone: () => void }) {
  const name = made?.client?.name ?? ''
  return (
    <Dialog opened={!!made?.secret} title={t.secretTitle(name)} size="lg">
      <Stack>
        <Terms of={[[texts.settings.authenticators.fields.issuer, issuer], [t.id, made?.client?.id]]} />
        <Secret title={t.saved(name)} value={made?.secret ?? ''} />
        <Group justify="flex-end"><Button data-autofocus onClick={onDone}>{t.done}</Button></Group>
      </Stack>
    </Dialog>
  )
}
