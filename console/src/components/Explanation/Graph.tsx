import '@xyflow/react/dist/style.css'
import { useMemo, useRef, type KeyboardEvent } from 'react'
import { Text, useComputedColorScheme } from '@mantine/core'
import { Background, Controls, Handle, Position, ReactFlow, type NodeProps, type ReactFlowInstance } from '@xyflow/react'
import { shortened } from '../../lib/relationship'
import { label, type Step } from '../../lib/steps'
import { texts } from '../../lib/texts'
import { marks } from './AnswerLine'
import { atFirst, layout, nearest, size, type StepNode } from './layout'

const t = texts.explanation

function Box({ data: { step } }: NodeProps<StepNode>) {
  const kind = t.kinds[step.kind]
  return (
    <div className={`app-node app-node-${step.answer}`} style={{ width: size.width, minHeight: size.height }}>
      <Handle type="target" position={Position.Top} isConnectable={false} />
      <div className="app-node-head"><b>{marks[step.answer]} {t.answers[step.answer]}</b>{kind && <span>{kind}</span>}</div>
      <div className="app-node-text" title={label(step)}>{shortened(label(step))}</div>
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </div>
  )
}

const nodeTypes = { step: Box }
// Of the library's own nodes, which can be moved and deleted, nothing is true here.
const said = { 'node.a11yDescription.default': t.nodeHelp, 'node.a11yDescription.keyboardDisabled': t.nodeHelp }
const arrows = ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'] as const

/** Graph shows a walk as a graph; the arrow keys go by position. */
export default function Graph({ root, onSelect }: { root: Step; onSelect: (s: Step) => void }) {
  const { nodes, edges } = useMemo(() => layout(root), [root])
  const scheme = useComputedColorScheme('light')
  const flow = useRef<ReactFlowInstance<StepNode>>(null)
  const box = useRef<HTMLDivElement>(null)
  const choose = (id: string | undefined) => {
    const node = nodes.find((n) => n.id === id)
    if (node) onSelect(node.data.step)
  }
  const onKeyDown = (e: KeyboardEvent) => {
    const at = (e.target as HTMLElement).closest<HTMLElement>('.react-flow__node')?.dataset['id']
    if (!at) return
    const arrow = arrows.find((a) => a === e.key)
    if (e.key === 'Enter') choose(at)
    else if (arrow) {
      const to = nearest(nodes, at, arrow)
      if (!to) return
      box.current?.querySelector<HTMLElement>(`.react-flow__node[data-id="${to}"]`)?.focus()
      void flow.current?.fitView({ nodes: [{ id: to }], maxZoom: 1, duration: 0 })
    } else return
    e.preventDefault()
    e.stopPropagation()
  }
  return (
    <>
      <Text size="xs" c="dimmed" mb={6} id="graph-help">{t.graphHelp}</Text>
      {/* The nodes inside take the focus; this passes on their keys. */}
      <div ref={box} className="app-graph" role="group" aria-label={t.graphLabel} aria-describedby="graph-help" onKeyDownCapture={onKeyDown}>
        <ReactFlow nodes={nodes} edges={edges} nodeTypes={nodeTypes} colorMode={scheme} fitView fitViewOptions={{ maxZoom: 1, minZoom: 0.6, nodes: atFirst(nodes) }} minZoom={0.1} nodesDraggable={false} nodesConnectable={false}
          edgesFocusable={false} disableKeyboardA11y={false} ariaLabelConfig={said} onInit={(i) => { flow.current = i }} onNodeClick={(_, n) => choose(n.id)} preventScrolling={false}>
          <Background /><Controls showInteractive={false} />
        </ReactFlow>
      </div>
    </>
  )
}
