import { lazy, Suspense, useMemo, useState } from 'react'
import { Group, Paper, Stack, Switch, Tabs, Text } from '@mantine/core'
import type { ExplainResponseJson } from '../../api/gen/pemba/v1/explain_service_pb'
import { deciding, tree, type Step } from '../../lib/steps'
import { texts } from '../../lib/texts'
import { CopyButton } from '../CopyButton'
import { Loading } from '../Loading'
import { StepDetail } from './StepDetail'
import { StepTree } from './StepTree'

const Graph = lazy(() => import('./Graph'))
const t = texts.explanation

export type View = 'tree' | 'graph' | 'raw'

/** Explanation shows the walk that led to an answer, in three views of the same facts. */
export function Explanation({ answer, view, onView, live }: { answer: ExplainResponseJson; view: View; onView: (v: View) => void; live: boolean }) {
  const [everything, setEverything] = useState(false)
  const [chosen, setChosen] = useState<Step>()
  const all = useMemo(() => tree(answer.steps ?? []), [answer])
  const root = useMemo(() => (all && !everything ? deciding(all) : all), [all, everything])
  if (!all || !root) return null
  const raw = JSON.stringify(answer, null, 2)
  return (
    <Tabs value={view} onChange={(v) => onView((v ?? 'tree') as View)} keepMounted={false}>
      <Group justify="space-between" align="flex-end">
        <Tabs.List aria-label={t.views}>
          <Tabs.Tab value="tree">{t.tree}</Tabs.Tab>
          <Tabs.Tab value="graph">{t.graph}</Tabs.Tab>
          <Tabs.Tab value="raw">{t.raw}</Tabs.Tab>
        </Tabs.List>
        {view !== 'raw' && all.answer !== 'no' && <Switch size="sm" label={t.everything} checked={everything} onChange={(e) => setEverything(e.currentTarget.checked)} />}
        {view === 'raw' && <CopyButton value={raw}>{texts.common.copy}</CopyButton>}
      </Group>
      <Tabs.Panel value="tree" pt="sm">
        <Paper withBorder p="sm" style={{ overflowX: 'auto' }}>
          <Text size="xs" c="dimmed" mb={6}>{t.treeHelp}</Text>
          <StepTree key={`${answer.checkedAt?.token}-${everything}`} root={root} onSelect={setChosen} />
        </Paper>
      </Tabs.Panel>
      <Tabs.Panel value="graph" pt="sm">
        <Suspense fallback={<Loading rows={1} height={420} />}><Graph root={root} onSelect={setChosen} /></Suspense>
      </Tabs.Panel>
      <Tabs.Panel value="raw" pt="sm">
        <Paper withBorder component="pre" className="app-pre" tabIndex={0} role="region" aria-label={t.raw}>{raw}</Paper>
      </Tabs.Panel>
      {chosen && view !== 'raw' && <Stack mt="sm"><StepDetail step={chosen} live={live} onClose={() => setChosen(undefined)} /></Stack>}
    </Tabs>
  )
}
