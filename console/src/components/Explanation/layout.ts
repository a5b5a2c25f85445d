import dagre from '@dagrejs/dagre'
import { MarkerType, type Edge, type Node } from '@xyflow/react'
import { label, type Step } from '../../lib/steps'
import { texts } from '../../lib/texts'

export const size = { width: 250, height: 82 }
const apart = { down: 46, aside: 24 }
export type StepNode = Node<{ step: Step }, 'step'>

/** layout says where the nodes of a walk stand: the question on top. */
export function layout(root: Step): { nodes: StepNode[]; edges: Edge[] } {
  const graph = new dagre.graphlib.Graph()
  graph.setGraph({ rankdir: 'TB', ranksep: apart.down, nodesep: apart.aside })
  graph.setDefaultEdgeLabel(() => ({}))
  const steps: Step[] = []
  const edges: Edge[] = []
  const add = (s: Step, parent?: Step) => {
    graph.setNode(String(s.id), { ...size })
    steps.push(s)
    if (parent) {
      graph.setEdge(String(parent.id), String(s.id))
      edges.push({
        id: `${parent.id}-${s.id}`, source: String(parent.id), target: String(s.id), markerEnd: { type: MarkerType.ArrowClosed },
        className: `app-edge-${s.answer}`, focusable: false, domAttributes: { 'aria-hidden': true }, // the tree says what is below what
      })
    }
    for (const c of s.children) add(c, s)
  }
  add(root)
  dagre.layout(graph)
  const nodes = steps.map((step): StepNode => {
    const at = graph.node(String(step.id))
    const kind = texts.explanation.kinds[step.kind]
    return {
      id: String(step.id), type: 'step', data: { step }, position: { x: at.x - size.width / 2, y: at.y - size.height / 2 },
      ariaLabel: `${kind ? kind + ' ' : ''}${label(step)}, ${texts.explanation.answers[step.answer]}`,
    }
  })
  return { nodes, edges }
}

const inView = { nodes: 12, rows: 5 }

/** atFirst are the nodes that are in view at first: with the question, whatever is below it. */
export function atFirst(nodes: StepNode[]): StepNode[] {
  const below = (nodes[0]?.position.y ?? 0) + (inView.rows - 1) * (size.height + apart.down)
  return nodes.filter((n) => n.position.y <= below).slice(0, inView.nodes)
}

type Direction = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight'

/** nearest is the node that one comes to first in a direction; undefined: there is none. */
export function nearest(nodes: StepNode[], from: string, to: Direction): string | undefined {
  const here = nodes.find((n) => n.id === from)?.position
  if (!here) return undefined
  const sideways = to === 'ArrowLeft' || to === 'ArrowRight'
  const sign = to === 'ArrowRight' || to === 'ArrowDown' ? 1 : -1
  const ahead = nodes.flatMap((n) => {
    const along = sign * (sideways ? n.position.x - here.x : n.position.y - here.y)
    const aside = Math.abs(sideways ? n.position.y - here.y : n.position.x - here.x)
    return along > 1 ? [{ id: n.id, cost: along + 3 * aside }] : []
  })
  return ahead.sort((a, b) => a.cost - b.cost)[0]?.id
}
