import { useEffect, useState } from 'react'
import { Tabs } from '@mantine/core'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useMe } from '../../api/me'
import type { WorkspaceJson } from '../../api/gen/pemba/portal/v1/workspaces_pb'
import { can, serviceName, workspaceNoun } from '../../api/portal/words'
import { useWorkspace } from '../../api/portal/workspaces'
import { Refused } from '../../components/Failure'
import { TextLink } from '../../components/links'
import { Loading } from '../../components/Loading'
import { Page, titleOf } from '../../components/Page'
import { WriteButton } from '../../components/WriteButton'
import { noteOpened } from '../../lib/opened'
import { texts } from '../../lib/texts'
import { Access } from './Access'
import { Activity } from './Activity'
import { DeleteWorkspace } from './DeleteWorkspace'
import { Diagrams } from './Diagrams'
import { EditWorkspace } from './EditWorkspace'
import { Overview } from './Overview'
import { Share } from './Share'

const t = texts.portal.workspace
/** tabbed is an address with a tab, or without for the first one. */
const tabbed = <T extends string>(tab: T | undefined) => (tab ? { tab } : {})

const route = getRouteApi('/shell/services/$sid/workspaces/$wid')

/** Workspace is one model or project. */
export function Workspace() {
  const { sid, wid } = route.useParams()
  const navigate = useNavigate()
  const one = useWorkspace(wid)
  const [open, setOpen] = useState<'edit' | 'share' | 'delete'>()
  const w = one.data?.workspace
  const person = useMe().person?.id
  const id = w?.id
  useEffect(() => {
    if (person && id) noteOpened(person, id)
  }, [person, id])
  const close = () => setOpen(undefined)
  const only = (what: typeof open) => (open === what ? w : undefined)
  return (
    <Page title={titleOf(one, w?.name, texts.portal.workspace.kind)} about={w && <TextLink to="/services/$sid" params={{ sid }}>{serviceName(w.service)}</TextLink>}
      actions={w && (
        <>
          {can(w.allowed, 'edit_info') && <WriteButton variant="default" onClick={() => setOpen('edit')}>{t.edit}</WriteButton>}
          {can(w.allowed, 'delete') && <WriteButton variant="default" onClick={() => setOpen('delete')}>{t.delete}</WriteButton>}
          {can(w.allowed, 'share') && <WriteButton onClick={() => setOpen('share')}>{t.share}</WriteButton>}
        </>
      )}>
      {one.isPending && <Loading />}
      {one.isError && <Refused error={one.error} what={t.loading} permission="read" retry={one.refetch} />}
      {w && <Sections of={w} />}
      <EditWorkspace subscription={sid} noun={workspaceNoun(w?.service).one} opened={open === 'edit'} {...(w ? { workspace: w } : {})} onClose={close} />
      <Share workspace={only('share')} onClose={close} />
      <DeleteWorkspace workspace={only('delete')} onClose={close} onDeleted={() => void navigate({ to: '/services/$sid', params: { sid } })} />
    </Page>
  )
}

function Sections({ of: w }: { of: WorkspaceJson }) {
  const { tab } = route.useSearch()
  const navigate = route.useNavigate()
  const shown = ['overview' as const, 'access' as const, ...(w.kind === 'model' ? ['diagrams' as const] : []), ...(can(w.allowed, 'share') ? ['activity' as const] : [])]
  const open = shown.find((x) => x === tab) ?? 'overview'
  return (
    <Tabs value={open} onChange={(next) => void navigate({ search: tabbed(shown.find((x) => x === next && x !== 'overview')), replace: true })} keepMounted={false}>
      <Tabs.List mb="md">{shown.map((x) => <Tabs.Tab key={x} value={x}>{t.tabs[x]}</Tabs.Tab>)}</Tabs.List>
      <Tabs.Panel value="overview"><Overview of={w} /></Tabs.Panel>
      <Tabs.Panel value="access"><Access of={w} /></Tabs.Panel>
      <Tabs.Panel value="diagrams"><Diagrams of={w} /></Tabs.Panel>
      <Tabs.Panel value="activity"><Activity of={w} /></Tabs.Panel>
    </Tabs>
  )
}
