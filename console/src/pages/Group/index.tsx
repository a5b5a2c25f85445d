import { useState } from 'react'
import { Tabs } from '@mantine/core'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import type { GetGroupResponseJson } from '../../api/gen/pemba/portal/v1/groups_pb'
import { useGroup } from '../../api/portal/groups'
import { can } from '../../api/portal/words'
import { Refused } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { Page, titleOf } from '../../components/Page'
import { WriteButton } from '../../components/WriteButton'
import { texts } from '../../lib/texts'
import { DeleteGroup } from '../Groups/DeleteGroup'
import { GroupForm } from '../Groups/GroupForm'
import { AddMembers } from './AddMembers'
import { Effective } from './Effective'
import { Members } from './Members'
import { Uses } from './Uses'

const t = texts.company.group
const route = getRouteApi('/shell/groups/$id')

/** Group is one group: who is in it, what it gives, and who gets that. */
export function Group() {
  const { id } = route.useParams()
  const navigate = useNavigate()
  const one = useGroup(id)
  const [open, setOpen] = useState<'add' | 'edit' | 'delete'>()
  const g = one.data?.group
  const close = () => setOpen(undefined)
  return (
    <Page title={titleOf(one, g?.name, t.kind)} about={<><TextLink to="/groups">{texts.company.pages.groups}</TextLink> {g?.description}</>}
      actions={g && (
        <>
          {can(g.allowed, 'delete') && <WriteButton variant="default" onClick={() => setOpen('delete')} {...(one.data?.members?.length ? { reason: t.notEmpty } : {})}>{t.delete}</WriteButton>}
          {can(g.allowed, 'manage') && <WriteButton variant="default" onClick={() => setOpen('edit')}>{t.edit}</WriteButton>}
          {can(g.allowed, 'manage') && <WriteButton onClick={() => setOpen('add')}>{t.add}</WriteButton>}
        </>
      )}>
      {one.isPending && <Loading />}
      {one.isError && <Refused error={one.error} what={t.readingOne} permission="manage" retry={one.refetch} />}
      {one.data && <Sections of={one.data} />}
      <AddMembers group={open === 'add' ? g : undefined} onClose={close} />
      <GroupForm opened={open === 'edit'} {...(g ? { group: g } : {})} onClose={close} />
      <DeleteGroup group={open === 'delete' ? g : undefined} onClose={close} onDeleted={() => void navigate({ to: '/groups' })} />
    </Page>
  )
}

const tabs = ['members', 'uses', 'effective'] as const

function Sections({ of }: { of: GetGroupResponseJson }) {
  const { tab } = route.useSearch()
  const navigate = route.useNavigate()
  const id = of.group?.id ?? ''
  const go = (next: string | null) => void navigate({ search: next === 'uses' || next === 'effective' ? { tab: next } : {}, replace: true })
  return (
    <Tabs value={tab ?? 'members'} onChange={go} keepMounted={false}>
      <Tabs.List mb="md">{tabs.map((x) => <Tabs.Tab key={x} value={x}>{t.tabs[x]}</Tabs.Tab>)}</Tabs.List>
      <Tabs.Panel value="members"><Members of={of} /></Tabs.Panel>
      <Tabs.Panel value="uses"><Uses id={id} /></Tabs.Panel>
      <Tabs.Panel value="effective"><Effective id={id} /></Tabs.Panel>
    </Tabs>
  )
}
