import type { ReactNode } from 'react'
import { Button, Code, CopyButton, Drawer, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { get } from '../../api/client'
import type { AuditRecordJson, GetAuditRecordResponseJson } from '../../api/gen/pemba/portal/v1/audit_pb'
import { path } from '../../api/portal/lists'
import { serviceName } from '../../api/portal/words'
import { utc } from '../../lib/format'
import { texts } from '../../lib/texts'
import { announce } from '../Announcer'
import { Terms } from '../Terms'
import { Failure } from '../Failure'
import { Loading } from '../Loading'
import { When } from '../When'
import { actorOf, Result } from './recordColumns'
import { pretty } from './pretty'
import { Why } from './Why'

const t = texts.company.audit

/** Record shows all of one record of the audit log, at the side. */
export function Record({ number, onClose }: { number: string | undefined; onClose: () => void }) {
  return (
    <Drawer.Root opened={number !== undefined} onClose={onClose} position="right" size="lg">
      <Drawer.Overlay />
      <Drawer.Content>
        <Drawer.Header role="none">
          <Drawer.Title>{t.record(number ?? '')}</Drawer.Title>
          <Drawer.CloseButton aria-label={texts.common.close} />
        </Drawer.Header>
        <Drawer.Body>{number !== undefined && <Body number={number} />}</Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  )
}

function Body({ number }: { number: string }) {
  const one = useQuery({ queryKey: ['portal', 'record', number], queryFn: ({ signal }) => get<GetAuditRecordResponseJson>(path('audit', number), { signal }), staleTime: Infinity })
  if (one.isPending) return <Loading />
  if (one.isError) return <Failure error={one.error} what={t.reading} retry={one.refetch} />
  return <All of={one.data.record ?? {}} />
}

const mono = (text: string | undefined): ReactNode => (text ? <span className="app-mono">{text}</span> : t.none)

function All({ of: r }: { of: AuditRecordJson }) {
  const service = r.service && r.service !== 'SERVICE_UNSPECIFIED' ? serviceName(r.service) : t.none
  return (
    <Stack>
      <Text fw={600}>{actorOf(r)} {r.sentence}</Text>
      <Terms of={[
        [t.result, <Result of={r.result} />], ...(r.reason ? [[t.reason, r.reason] as const] : []),
        [t.time, <When at={r.time} />], [t.utc, r.time ? utc(new Date(r.time)) : t.none], [t.who, <>{actorOf(r)}{r.actor?.email && <Text size="xs" c="dimmed">{r.actor.email}</Text>}</>],
        [t.action, mono(r.action)], [t.target, <>{r.targetName} {mono(r.target)}</>], [texts.company.service, service], [t.permission, mono(r.permission)],
        [t.from, r.address || t.none], [t.agent, r.agent || t.none], [t.requestId, mono(r.requestId)], [t.revision, r.revision ?? t.none], [t.token, mono(r.zedToken?.token)], [t.hash, mono(r.hash)],
      ]} />
      {!!r.why?.length && <section><Title order={3} size="h6" mb={4}>{t.why}</Title><Why steps={r.why} /></section>}
      <Change title={t.before} json={r.before} />
      <Change title={t.after} json={r.after} />
      <Group>
        <CopyButton value={JSON.stringify(r, null, 2)}>
          {({ copied, copy }) => <Button variant="default" onClick={() => { copy(); announce(texts.common.copied) }}>{copied ? texts.common.copied : t.copyJson}</Button>}
        </CopyButton>
      </Group>
    </Stack>
  )
}

function Change({ title, json }: { title: string; json: string | undefined }) {
  if (!json) return null
  return <section><Title order={3} size="h6" mb={4}>{title}</Title><Code block tabIndex={0} aria-label={title} role="region">{pretty(json)}</Code></section>
}
