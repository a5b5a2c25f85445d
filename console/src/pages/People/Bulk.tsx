import { useEffect, useRef, useState } from 'react'
import { Button, Group, Progress as Bar, Select, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { post } from '../../api/client'
import type { MemberJson } from '../../api/gen/pemba/portal/v1/common_pb'
import { someGroups } from '../../api/portal/groups'
import { path } from '../../api/portal/lists'
import { useSubscriptions } from '../../api/portal/subscriptions'
import { can, serviceName } from '../../api/portal/words'
import { announce } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
import { Partial } from '../../components/Outcome'
import { MemberPicker } from '../../components/portal/MemberPicker'
import { count, plural } from '../../lib/format'
import { texts } from '../../lib/texts'
import { runAll, type Item, type Progress } from './bulk'

const t = texts.company.bulk

export type What = 'deactivate' | 'group' | 'service'
type Props = { what: What; items: readonly Item[]; onClose: () => void }

/** Bulk does one thing to many people, shows how far it is, and can be stopped. */
export function Bulk({ what, items, onClose }: Props) {
  return <Dialog opened onClose={onClose} title={t.titles[what]} size="lg"><Body what={what} items={items} onClose={onClose} /></Dialog>
}

const about = { deactivate: t.deactivateAbout, group: t.groupAbout, service: t.serviceAbout }
const members = (part: readonly Item[]): MemberJson[] => part.map((i) => ({ user: i.id }))

/** actOn is how many people go into one call, and the call. */
function actOn(what: What, target: string): [number, (part: Item[]) => Promise<unknown>] {
  if (what === 'deactivate') return [1, ([i]) => post(path('users', i?.id ?? '', 'deactivate'), {})]
  if (what === 'group') return [100, (part) => post(path('groups', target, 'members'), { add: members(part) })]
  return [100, (part) => post(path('subscriptions', target, 'users'), { members: members(part), role: 'user' })]
}

function Body({ what, items, onClose }: Props) {
  const client = useQueryClient()
  const [target, setTarget] = useState('')
  const [progress, setProgress] = useState<Progress>()
  const stop = useRef<AbortController>(undefined)
  useEffect(() => () => stop.current?.abort(), []) // closing is stopping
  const run = async () => {
    stop.current = new AbortController()
    const [size, act] = actOn(what, target)
    const end = await runAll(items, size, act, setProgress, stop.current.signal)
    announce(t.done(count(end.done), count(end.total)))
    await client.invalidateQueries({ queryKey: ['portal'] })
  }
  const danger = what === 'deactivate'
  if (!progress) {
    return (
      <DialogForm onSubmit={() => void run()} onCancel={onClose} action={danger ? t.deactivate : t.go} danger={danger} dirty={target !== ''} busy={false} ready={danger || target !== ''}>
        <Text size="sm">{about[what](plural(items.length, 'person', 'people'))}</Text>
        {what === 'group' && <PickGroup onPick={setTarget} />}
        {what === 'service' && <PickService onPick={setTarget} />}
      </DialogForm>
    )
  }
  return (
    <Stack>
      <How progress={progress} />
      <Group justify="flex-end">
        {progress.finished
          ? <Button variant="default" onClick={onClose}>{texts.common.close}</Button>
          : <Button variant="default" onClick={() => stop.current?.abort()}>{texts.common.stop}</Button>}
      </Group>
    </Stack>
  )
}

function How({ progress: p }: { progress: Progress }) {
  const gone = p.done + p.failed.length
  const text = p.finished ? t.done(count(p.done), count(p.total)) : t.progress(count(gone), count(p.total))
  return (
    <>
      <Bar value={p.total ? (100 * gone) / p.total : 100} aria-label={text} />
      {!(p.finished && p.failed.length > 0) && <Text size="sm">{text}</Text>}
      {p.stopped && <Text size="sm">{t.stopped}</Text>}
      {p.finished && <Partial done={p.done} failed={p.failed.map((f) => ({ item: f.item.name, reason: f.reason }))} name="not-done.tsv" />}
    </>
  )
}

function PickGroup({ onPick }: { onPick: (id: string) => void }) {
  const [picked, setPicked] = useState<MemberJson[]>([])
  const pick = (all: MemberJson[]) => {
    const last = all.slice(-1)
    setPicked(last)
    onPick(last[0]?.group ?? '')
  }
  return <MemberPicker label={t.pickGroup} value={picked} onChange={pick} of="groups" search={someGroups} first />
}

function PickService({ onPick }: { onPick: (id: string) => void }) {
  const all = useSubscriptions()
  const open = (all.data?.subscriptions ?? []).filter((s) => can(s.allowed, 'include_user'))
  return <Select label={t.pickService} data-autofocus data={open.map((s) => ({ value: s.id ?? '', label: serviceName(s.service) }))} onChange={(v) => onPick(v ?? '')} allowDeselect={false} />
}
