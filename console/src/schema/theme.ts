import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { EditorView } from '@codemirror/view'
import { tags as t } from '@lezer/highlight'

const style = (dark: boolean) =>
  HighlightStyle.define([
    { tag: t.keyword, color: dark ? '#74c0fc' : '#1864ab', fontWeight: '600' },
    { tag: [t.typeName, t.definition(t.typeName)], color: dark ? '#63e6be' : '#087f5b' },
    { tag: t.propertyName, color: dark ? '#ffc078' : '#a34700' },
    { tag: t.function(t.definition(t.variableName)), color: dark ? '#eebefa' : '#862e9c' },
    { tag: t.modifier, color: dark ? '#91a7ff' : '#364fc7' },
    { tag: t.operator, color: dark ? '#ff8787' : '#c92a2a', fontWeight: '600' },
    { tag: [t.lineComment, t.blockComment], color: dark ? '#adb5bd' : '#5c636a', fontStyle: 'italic' },
    { tag: [t.string, t.special(t.string)], color: dark ? '#c0eb75' : '#3b6b00' },
  ])

const mono = 'var(--mantine-font-family-monospace)'

/** editorTheme is the look of the editor in light or dark; the colours keep 4.5:1. */
export const editorTheme = (dark: boolean) => [
  syntaxHighlighting(style(dark)),
  EditorView.theme({
    '&': { height: '100%', fontSize: '13px', backgroundColor: 'var(--mantine-color-body)', color: 'var(--mantine-color-text)' },
    '&.cm-focused': { outline: '2px solid var(--mantine-primary-color-filled)', outlineOffset: '-2px' },
    '.cm-scroller': { overflow: 'auto', fontFamily: mono, lineHeight: '1.6' },
    '.cm-gutters': { backgroundColor: dark ? '#181d24' : '#f3f6f7', color: dark ? '#a7b0bb' : '#545c65', border: 'none' },
    '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: dark ? '#ffffff0d' : '#0b6e690d' },
    '.cm-content': { caretColor: 'var(--mantine-color-text)' },
    '.cm-cursor': { borderLeftColor: 'var(--mantine-color-text)' },
    '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: dark ? '#1d4f4c !important' : '#bfe3e0 !important' },
    '.cm-tooltip, .cm-panels': { backgroundColor: 'var(--mantine-color-body)', color: 'var(--mantine-color-text)', border: '1px solid var(--mantine-color-default-border)' },
    '.cm-tooltip': { borderRadius: '8px', overflow: 'hidden' },
    '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: '#0b6e69', color: '#fff' },
    '.cm-diagnostic': { fontFamily: 'var(--mantine-font-family)' },
    '.cm-button, .cm-textfield': { backgroundImage: 'none', backgroundColor: 'var(--mantine-color-default)', border: '1px solid var(--mantine-color-default-border)', color: 'inherit', borderRadius: '6px' },
  }, { dark }),
]
