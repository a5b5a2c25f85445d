// The body of a caveat up to the brace that closes it: of CEL only strings,
// comments and braces count here.
import { ExternalTokenizer, type InputStream } from '@lezer/lr'
import { CelText } from './parser.terms.js'

const char = (c: string): number => c.charCodeAt(0)
const [open, close, slash, newline, backslash, backtick] = ['{', '}', '/', '\n', '\\', '`'].map(char)
const quotes = ['"', "'"].map(char)
const raw = /[rR]/

/** skipString moves behind a string that begins here. */
function skipString(input: InputStream, prefix: string): void {
  const quote = input.next
  const long = input.peek(1) === quote && input.peek(2) === quote
  const size = long ? 3 : 1
  const ends = () => input.next === quote && (!long || (input.peek(1) === quote && input.peek(2) === quote))
  input.advance(size)
  while (input.next >= 0 && !ends()) {
    if (!long && input.next === newline) return // it is not closed: the line ends it
    if (input.next === backslash && !raw.test(prefix)) input.advance()
    input.advance()
  }
  if (input.next >= 0) input.advance(size)
}

function skipTo(input: InputStream, end: number | undefined): void {
  while (input.next >= 0 && input.next !== end) input.advance()
}

export const celText = new ExternalTokenizer((input) => {
  let depth = 0
  let word = '' // the letters before a quote say what kind of string it is
  const start = input.pos
  while (input.next >= 0) {
    const c = input.next
    if (quotes.includes(c)) skipString(input, word)
    else if (c === slash && input.peek(1) === slash) skipTo(input, newline)
    else if (c === backtick) {
      input.advance()
      skipTo(input, backtick)
      input.advance()
    } else if (c === close && depth === 0) break
    else {
      if (c === open) depth++
      if (c === close) depth--
      const letter = String.fromCharCode(c)
      word = /\w/.test(letter) ? word + letter : ''
      input.advance()
      continue
    }
    word = ''
  }
  if (input.pos > start) input.acceptToken(CelText)
})
