import { EditorView } from '@codemirror/view'

const across = 0.8 // of the width, within which a place may stay where it is

/**
 * steadyScroll goes to lines that are out of sight by the heights that the editor keeps.
 * What it would measure itself of a line that it has not drawn before is wrong by
 * the rows between, so that one came to other lines.
 */
export const steadyScroll = EditorView.scrollHandler.of((view, range) => {
  const box = view.scrollDOM
  const line = view.lineBlockAt(range.head)
  const inset = view.documentPadding.top
  const top = line.top + inset
  if (top >= box.scrollTop && top + line.height <= box.scrollTop + box.clientHeight) return false
  box.scrollTop = top - (box.clientHeight - line.height) / 2
  const left = (range.head - line.from) * view.defaultCharacterWidth
  box.scrollLeft = left > across * box.clientWidth ? left - box.clientWidth / 2 : 0
  return true
})
