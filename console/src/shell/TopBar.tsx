import type { ReactNode } from 'react'
import { ActionIcon, Group, Text, UnstyledButton, useMantineColorScheme } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { post } from '../api/client'
import { forget } from '../api/freshness'
import type { SignOutResponseJson } from '../api/gen/pemba/portal/v1/session_pb'
import { useMe } from '../api/me'
import { Disclosure } from '../components/Disclosure'
import { Icon } from '../components/Icon'
import { texts } from '../lib/texts'
import { accountLinks } from './account'

const t = texts.common

export function TopBar({ onHelp, onPalette, burger }: { onHelp: () => void; onPalette: () => void; burger: ReactNode }) {
  const me = useMe()
  return (
    <Group h="100%" px="sm" gap="sm" wrap="nowrap">
      {burger}
      <Link to="/" className="app-brand"><Mark /><span>{t.product}</span></Link>
      {me.company && <Text size="sm" c="dimmed" truncate visibleFrom="xs">{me.company.name}</Text>}
      <UnstyledButton onClick={onPalette} className="app-palette-button" ml="auto" aria-keyshortcuts="Control+K">
        <Icon name="search" size={16} /><span className="app-palette-text">{t.palette.open}</span><kbd className="app-kbd-hint" aria-hidden>Ctrl K</kbd>
      </UnstyledButton>
      <Theme />
      <ActionIcon variant="subtle" color="gray" size="lg" onClick={onHelp} aria-label={t.shortcuts} title={t.shortcuts + ' (?)'} visibleFrom="xs"><Icon name="help" /></ActionIcon>
      <Account />
    </Group>
  )
}

export function Mark() {
  return (
    <svg viewBox="0 0 32 32" width={28} height={28} aria-hidden>
      <rect width="32" height="32" rx="8" fill="var(--mantine-color-sea-8)" />
      <path d="M10 22 16 10l6 12M12.400 17.600h7.200" fill="none" stroke="#fff" strokeWidth="2.4" strokeLinecap="round" />
      <g fill="#fff"><circle cx="16" cy="9.5" r="3" /><circle cx="9.5" cy="22.5" r="3" /><circle cx="22.5" cy="22.5" r="3" /></g>
    </svg>
  )
}

function Theme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Disclosure label={t.theme.label} icon={colorScheme === 'dark' ? 'moon' : 'sun'}>
      {(close) => (
        <ul className="app-panel-list">
          {(['light', 'dark', 'auto'] as const).map((s) => (
            <li key={s}>
              <button type="button" className="app-panel-item" aria-pressed={colorScheme === s} onClick={() => { setColorScheme(s); close() }}>
                {t.theme[s]}{colorScheme === s && <Icon name="check" size={14} />}
              </button>
            </li>
          ))}
        </ul>
      )}
    </Disclosure>
  )
}

function Account() {
  const me = useMe()
  const client = useQueryClient()
  const navigate = useNavigate()
  const signOut = async () => {
    const { redirect } = await post<SignOutResponseJson>('/portal/v1/session/end', {})
    forget()
    if (redirect) window.location.assign(redirect)
    else await navigate({ to: '/sign-in' })
    client.clear()
  }
  const name = me.person?.name ?? (me.operator ? t.session.operator(me.operator) : t.session.open)
  return (
    <Disclosure label={t.account} icon="account">
      {(close) => (
        <>
          <div className="app-panel-about">
            <Text fw={600} size="sm">{name}</Text>
            {me.person && <Text size="xs" c="dimmed">{me.person.email}</Text>}
            <Text size="xs" c="dimmed">{[me.node && `Node ${me.node}`, me.build && `build ${me.build}`].filter(Boolean).join(', ')}</Text>
          </div>
          <ul className="app-panel-list">
            {me.person && accountLinks.map((l) => <li key={l.to}><Link to={l.to} className="app-panel-item" onClick={close}>{l.label}</Link></li>)}
            {me.session && <li><button type="button" className="app-panel-item" onClick={() => void signOut()}>{t.session.signOut}</button></li>}
          </ul>
        </>
      )}
    </Disclosure>
  )
}
