import { Code, Group, PasswordInput, Text, TextInput, type PasswordInputProps, type TextInputProps } from '@mantine/core'
import { texts } from '../../lib/texts'
import { CopyButton } from '../CopyButton'

const t = texts.settings.authenticators
type Field = 'name' | 'issuer' | 'clientId' | 'clientSecret'
type Props = {
  /** input is what a form gives the input of a field. */
  input: (field: Field) => TextInputProps & PasswordInputProps
  /** kept is whether the server has a secret already. */
  kept?: boolean
}

/** ProviderFields asks for what an OpenID Connect provider is asked with. */
export function ProviderFields({ input, kept = false }: Props) {
  return (
    <>
      <TextInput label={t.fields.name} description={t.hints.name} required data-autofocus {...input('name')} />
      <TextInput label={t.fields.issuer} description={t.hints.issuer} type="url" required {...input('issuer')} />
      <TextInput label={t.fields.clientId} description={t.hints.clientId} required autoComplete="off" {...input('clientId')} />
      <PasswordInput label={t.fields.clientSecret} description={kept ? t.hints.secretKept : t.hints.clientSecret} autoComplete="off" {...input('clientSecret')} />
    </>
  )
}

/** Redirect is the address that a provider has to know. */
export function Redirect({ url }: { url: string }) {
  return (
    <div>
      <Text size="sm">{t.redirect}</Text>
      <Group gap="xs"><Code className="app-wrap">{url}</Code><CopyButton value={url}>{t.copy}</CopyButton></Group>
    </div>
  )
}
