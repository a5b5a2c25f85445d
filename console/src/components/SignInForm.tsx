import { useState, type KeyboardEvent } from 'react'
import { Alert, Anchor, Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { post } from '../api/client'
import { isApiError } from '../api/errors'
import type { BeginSignInResponseJson, SignInResponseJson } from '../api/gen/pemba/portal/v1/session_pb'
import { span } from '../lib/format'
import { texts } from '../lib/texts'

type Props = {
  onDone: () => unknown
  email?: string
  withKey?: boolean
  /** returnTo is where an outside identity provider brings people back to. */
  returnTo?: string
}

const t = texts.common.session

/** SignInForm asks for the e-mail address, and then for what that address signs in with. */
export function SignInForm({ onDone, email: first = '', withKey = false, returnTo }: Props) {
  const [key, setKey] = useState(withKey)
  const [email, setEmail] = useState(first)
  const [step, setStep] = useState<'email' | 'password'>(first ? 'password' : 'email')
  const [secret, setSecret] = useState('')
  const [caps, setCaps] = useState(false)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const watchCaps = (e: KeyboardEvent) => setCaps(e.getModifierState('CapsLock'))
  const submit = async () => {
    setBusy(true)
    setError('')
    try {
      if (key) await post<SignInResponseJson>('/portal/v1/session/key', { key: secret })
      else if (step === 'email') {
        const begin = await post<BeginSignInResponseJson>('/portal/v1/session/begin', { email, returnTo: returnTo ?? window.location.pathname })
        if (begin.redirect) window.location.assign(begin.redirect)
        else setStep('password')
        return
      } else await post<SignInResponseJson>('/portal/v1/session', { email, password: secret })
      await onDone()
    } catch (e) {
      if (isApiError(e, 'UNIMPLEMENTED')) { // a server without the portal
        change(true)
        setError(t.noPortal)
        return
      }
      setError(isApiError(e, 'RESOURCE_EXHAUSTED') && e.retryAfter ? t.wait(span(e.retryAfter)) : e instanceof Error ? e.message : String(e))
      setSecret('')
    } finally {
      setBusy(false)
    }
  }
  const change = (toKey: boolean) => {
    setKey(toKey)
    setSecret('')
    setError('')
  }
  return (
    <form onSubmit={(e) => { e.preventDefault(); void submit() }}>
      <Stack>
        {!key && (
          <TextInput label={t.email} type="email" name="email" autoComplete="username" required value={email} readOnly={step === 'password'} onChange={(e) => setEmail(e.currentTarget.value)} {...(step === 'email' ? { 'data-autofocus': true } : {})} />
        )}
        {!key && step === 'password' && (
          <PasswordInput label={t.password} name="password" autoComplete="current-password" required value={secret} onChange={(e) => setSecret(e.currentTarget.value)} onKeyUp={watchCaps} description={caps ? t.caps : undefined} data-autofocus ref={(el) => el?.focus()} />
        )}
        {key && <PasswordInput label={t.key} name="key" autoComplete="off" required value={secret} onChange={(e) => setSecret(e.currentTarget.value)} onKeyUp={watchCaps} description={caps ? t.caps : undefined} data-autofocus />}
        {error && <Alert color="red" role="alert">{error}</Alert>}
        <Button type="submit" loading={busy} fullWidth>{!key && step === 'email' ? t.next : t.signIn}</Button>
        <Stack gap={4} align="center">
          {!key && step === 'password' && <Anchor component="button" type="button" size="sm" mih={24} onClick={() => { setStep('email'); setSecret('') }}>{t.other}</Anchor>}
          <Anchor component="button" type="button" size="sm" mih={24} onClick={() => change(!key)}>{key ? t.withPassword : t.withKey}</Anchor>
        </Stack>
      </Stack>
    </form>
  )
}
