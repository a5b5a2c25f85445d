import { useMemo } from 'react'
import { Badge, Group, Text, Tree, useTree, type TreeNodeData } from '@mantine/core'
import { label, walk, type Step } from '../../lib/steps'
import { texts } from '../../lib/texts'
import { Icon } from '../Icon'
import { colors, marks } from './AnswerLine'

const t = texts.explanation
const openAtFirst = 60 // steps that are all open when the tree is shown

type Props = { root: Step; onSelect: (s: Step) => void }

function lay(root: Step) {
  const steps = new Map<string, Step>()
  const open: Record<string, boolean> = {}
  walk(root, (s) => {
    open[String(s.id)] = steps.size < openAtFirst
    steps.set(String(s.id), s)
  })
  const node = (s: Step): TreeNodeData => ({ value: String(s.id), label: label(s), children: s.children.map(node) })
  return { steps, open, data: [node(root)] }
}

/** StepTree shows a walk as a tree for mouse, keyboard and screen reader. */
export function StepTree({ root, onSelect }: Props) {
  // The tree closes what was opened when its data are new ones.
  const { steps, data, open } = useMemo(() => lay(root), [root])
  const tree = useTree({ initialExpandedState: open })
  return (
    <Tree aria-label={t.treeLabel} data={data} tree={tree} levelOffset={22} selectOnClick
      onKeyDown={(e) => { const s = e.key === 'Enter' && e.target instanceof HTMLElement ? steps.get(e.target.dataset['value'] ?? '') : undefined; if (s) onSelect(s) }}
      renderNode={({ node: { value }, expanded, hasChildren, elementProps }) => {
        const s = steps.get(value)
        if (!s) return null
        return (
          <Group gap={8} wrap="nowrap" {...elementProps} className={`${elementProps.className} app-step`} onClick={(e) => { elementProps.onClick(e); onSelect(s) }}>
            <span className="app-step-arrow" aria-hidden>{hasChildren && <Icon name={expanded ? 'down' : 'right'} size={14} />}</span>
            <StepLine step={s} />
          </Group>
        )
      }} />
  )
}

/** StepLine is one step in words. */
export function StepLine({ step: s }: { step: Step }) {
  const kind = t.kinds[s.kind]
  const remarks = [
    s.missing.length > 0 ? t.missing(s.missing) : '',
    s.answer === 'undecided' ? t.limit : '',
    s.repeated ? (s.answeredBy === undefined ? t.cycle : t.cached) : '',
    s.kind === 'KIND_RELATIONSHIP' && !s.stored ? t.notStored : '',
  ].filter(Boolean).join(', ')
  return (
    <>
      <Badge size="sm" variant="light" color={colors[s.answer]} className="app-step-mark" aria-label={t.answers[s.answer]} role="img">{marks[s.answer]}</Badge>
      <Text size="sm" component="span" className="app-step-text">
        {kind && <span className="app-step-kind">{kind} </span>}
        <span className="app-mono">{label(s)}</span>
        {remarks && <span className="app-step-kind"> · {remarks}</span>}
      </Text>
    </>
  )
}
