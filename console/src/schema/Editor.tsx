import { useEffect, useEffectEvent, useImperativeHandle, useRef, type Ref } from 'react'
import { useComputedColorScheme } from '@mantine/core'
import { autocompletion, closeBrackets, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from '@codemirror/language'
import { lintGutter, nextDiagnostic, previousDiagnostic, setDiagnostics, type Diagnostic } from '@codemirror/lint'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view'
import { announce } from '../components/Announcer'
import { texts } from '../lib/texts'
import { nonce } from '../lib/nonce'
import { steadyScroll } from './steady'
import { editorTheme } from './theme'

/** Handle is what others may do with an editor. */
export type Handle = { goTo: (from: number, to?: number) => void; replace: (text: string) => void }

type Props = {
  ref?: Ref<Handle>
  label: string
  value: string
  readOnly?: boolean
  /** extensions are the language and whatever else; they count when the editor is made. */
  extensions?: Extension[]
  diagnostics?: Diagnostic[]
  onChange?: (text: string) => void
  /** onCursor is told where the cursor is. */
  onCursor?: (at: number) => void
  /** onDefinition and onBack are F12 and Alt+Left. */
  onDefinition?: (at: number) => void
  onBack?: () => void
}

/** toggleIndent says whether Tab indents or leaves the editor. */
function toggleIndent(view: EditorView, indent: Compartment): boolean {
  const on = Array.isArray(indent.get(view.state))
  view.dispatch({ effects: indent.reconfigure(on ? keymap.of([indentWithTab]) : []) })
  announce(on ? texts.schema.tabIndents : texts.schema.tabLeaves)
  return true
}

/** Editor is a text editor that Tab leaves; Ctrl+M lets Tab indent. */
export function Editor({ ref, label, value, readOnly = false, extensions = [], diagnostics, onChange, onCursor, onDefinition, onBack }: Props) {
  const dark = useComputedColorScheme('light') === 'dark'
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const theme = useRef(new Compartment())
  const indent = useRef(new Compartment())
  const changed = useEffectEvent((text: string) => onChange?.(text))
  const moved = useEffectEvent((at: number) => onCursor?.(at))
  const definition = useEffectEvent((at: number) => { onDefinition?.(at); return onDefinition !== undefined })
  const back = useEffectEvent(() => { onBack?.(); return onBack !== undefined })
  const first = useEffectEvent(() => ({ value, dark, label, readOnly, extensions }))

  useEffect(() => {
    if (!host.current) return
    const f = first()
    const v = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: f.value,
        extensions: [
          EditorView.cspNonce.of(nonce()),
          lineNumbers(), foldGutter(), history(), drawSelection(), bracketMatching(), closeBrackets(), indentOnInput(), highlightActiveLine(), highlightSelectionMatches(), search({ top: true }), lintGutter(), steadyScroll,
          autocompletion(), f.extensions, indent.current.of([]), theme.current.of(editorTheme(f.dark)),
          EditorState.readOnly.of(f.readOnly), EditorState.tabSize.of(4),
          EditorView.contentAttributes.of({ tabindex: '0', 'aria-label': f.label, ...(f.readOnly ? { 'aria-readonly': 'true' } : {}) }),
          keymap.of([
            { key: 'F8', run: nextDiagnostic }, { key: 'Shift-F8', run: previousDiagnostic },
            { key: 'Ctrl-m', run: (x) => toggleIndent(x, indent.current) },
            { key: 'F12', run: (x) => definition(x.state.selection.main.head) }, { key: 'Alt-ArrowLeft', run: () => back() },
            ...completionKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...defaultKeymap.filter((k) => k.key !== 'Ctrl-m'),
          ]),
          EditorView.updateListener.of((u) => {
            if (u.docChanged) changed(u.state.doc.toString())
            if (u.selectionSet || u.docChanged) moved(u.state.selection.main.head)
          }),
        ],
      }),
    })
    view.current = v
    return () => v.destroy()
  }, [])
  useEffect(() => {
    view.current?.dispatch({ effects: theme.current.reconfigure(editorTheme(dark)) })
  }, [dark])
  useEffect(() => {
    const v = view.current
    if (!v) return
    const end = v.state.doc.length
    v.dispatch(setDiagnostics(v.state, (diagnostics ?? []).map((d) => ({ ...d, from: Math.min(d.from, end), to: Math.min(d.to, end) }))))
  }, [diagnostics])
  useImperativeHandle(ref, () => ({
    goTo: (from, to = from) => {
      const v = view.current
      if (!v) return
      const end = v.state.doc.length
      v.dispatch({ selection: { anchor: Math.min(from, end), head: Math.min(to, end) }, effects: EditorView.scrollIntoView(Math.min(from, end), { y: 'center' }) })
      v.focus()
    },
    replace: (text) => view.current?.dispatch({ changes: { from: 0, to: view.current.state.doc.length, insert: text } }),
  }), [])
  return <div ref={host} className="app-editor" />
}
