import { completeFromList, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete'
import { delimitedIndent, foldInside, foldNodeProp, indentNodeProp, LanguageSupport, LRLanguage, syntaxTree } from '@codemirror/language'
import { styleTags, tags as t } from '@lezer/highlight'
import type { SyntaxNode } from '@lezer/common'
import { parser } from './parser.js'

export const schemaLanguage = LRLanguage.define({
  name: 'schema',
  parser: parser.configure({
    props: [
      styleTags({
        'definition caveat relation permission constraint partial use import with and nil': t.keyword,
        'TypeName/... CaveatName/...': t.definition(t.typeName),
        'TypeRef/... CelType/... TraitName/...': t.typeName,
        'RelationName/... ConstraintName/...': t.propertyName,
        'PermissionName/...': t.function(t.definition(t.variableName)),
        'NameRef/... SubRelation/... ParamName/...': t.variableName,
        'Flag/... ConstraintKind/... CallName/...': t.modifier,
        'UnionOp InterOp ExclOp ArrowOp': t.operator,
        Wildcard: t.special(t.string),
        'CelText String': t.string,
        LineComment: t.lineComment,
        BlockComment: t.blockComment,
      }),
      foldNodeProp.add({ 'Body CelBody': foldInside }),
      indentNodeProp.add({ Body: delimitedIndent({ closing: '}' }), CelBody: delimitedIndent({ closing: '}' }) }),
    ],
  }),
  languageData: { commentTokens: { line: '//', block: { open: '/*', close: '*/' } }, closeBrackets: { brackets: ['(', '{'] } },
})

const top = ['definition', 'caveat', 'partial', 'use', 'import']
const inside = ['relation', 'permission', 'constraint']
const flags = ['expiration', 'self', 'typechecking', 'partial', 'import', 'constraint']
const kinds = ['exclusive', 'at_most_one', 'at_least_one']

/** named collects the names of one kind in the text, or below a node. */
function named(ctx: CompletionContext, kind: string, below?: SyntaxNode): string[] {
  const found = new Set<string>()
  const within = below ? { from: below.from, to: below.to } : {}
  syntaxTree(ctx.state).iterate({ ...within, enter: (n) => { if (n.name === kind) found.add(ctx.state.sliceDoc(n.from, n.to)) } })
  return [...found]
}

const options = (labels: string[], type: string): Completion[] => labels.map((label) => ({ label, type }))

/** wanted is what may stand at a place, judged by what stands before it on the line. */
function wanted(ctx: CompletionContext, before: string, body: SyntaxNode | null): Completion[] {
  if (/\buse\s+$/.test(before)) return options(flags, 'keyword')
  if (/\bwith\s+$|\band\s+$/.test(before)) return options([...named(ctx, 'CaveatName'), 'expiration'], 'interface')
  if (/#$/.test(before)) return options([...named(ctx, 'RelationName'), ...named(ctx, 'PermissionName')], 'property')
  if (/->\s*$|\.(any|all)\(\s*$/.test(before)) return options([...named(ctx, 'PermissionName'), ...named(ctx, 'RelationName')], 'function')
  if (/\bconstraint\s+\w+\s*=\s*$/.test(before)) return options(kinds, 'keyword')
  if (/\bconstraint\b.*[(,]\s*$/.test(before)) return options(named(ctx, 'RelationName', body ?? undefined), 'property')
  if (/\brelation\s+\w+\s*:\s*$|\|\s*$/.test(before)) return options(named(ctx, 'TypeName'), 'class')
  if (/\bpermission\b.*(=|[-+&(])\s*$/.test(before) || (body && /^\s*[-+&]\s*$/.test(before))) {
    return [...options(named(ctx, 'RelationName', body ?? undefined), 'property'), ...options(named(ctx, 'PermissionName', body ?? undefined), 'function'), { label: 'nil', type: 'keyword' }]
  }
  if (/^\s*$/.test(before)) return options(body ? inside : top, 'keyword')
  return []
}

/** complete offers what may stand at the place: names of this text, or words of the language. */
export function complete(ctx: CompletionContext): CompletionResult | null {
  const word = ctx.matchBefore(/[\w/]*/)
  if (!word || (word.from === word.to && !ctx.explicit)) return null
  const line = ctx.state.doc.lineAt(ctx.pos)
  const before = line.text.slice(0, word.from - line.from)
  let node: SyntaxNode | null = syntaxTree(ctx.state).resolveInner(ctx.pos, -1)
  if (/Comment|Cel/.test(node.name)) return null
  while (node && node.name !== 'Body') node = node.parent
  const found = wanted(ctx, before, node)
  return found.length === 0 ? null : { ...completeFromList(found)(ctx), from: word.from, options: found, validFor: /^[\w/]*$/ }
}

export const schemaSupport = () => new LanguageSupport(schemaLanguage, [schemaLanguage.data.of({ autocomplete: complete })])
