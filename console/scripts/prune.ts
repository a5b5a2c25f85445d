// Takes out of the built style sheets the rules of library components that no
// built script uses. The library names its classes m_ and a hash.
import postcss from 'postcss'
import type { Plugin } from 'vite'

const name = /\.(m_[0-9a-f]+)/g

export function prune(): Plugin {
  return {
    name: 'prune',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const files = Object.values(bundle)
      const script = files.map((f) => (f.type === 'chunk' ? f.code : '')).join('\n')
      const used = new Set(script.match(/m_[0-9a-f]+/g))
      for (const f of files) {
        if (f.type !== 'asset' || !f.fileName.endsWith('.css')) continue
        const sheet = postcss.parse(String(f.source))
        sheet.walkRules((rule) => {
          const kept = rule.selectors.filter((s) => [...s.matchAll(name)].every((m) => used.has(m[1] ?? '')))
          if (kept.length === 0) rule.remove()
          else if (kept.length < rule.selectors.length) rule.selectors = kept
        })
        sheet.walkAtRules((at) => {
          if (at.nodes?.length === 0) at.remove()
        })
        f.source = sheet.toString()
      }
    },
  }
}
