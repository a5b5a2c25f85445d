import { StreamLanguage } from '@codemirror/language'

/** yaml colours what the files of a sandbox have of it: keys, marks of lists, texts and comments. */
export const yaml = StreamLanguage.define({
  name: 'yaml',
  token: (stream) => {
    if (stream.eatSpace()) return null
    if (stream.match(/^#.*/)) return 'comment'
    if (stream.match(/^-(?=\s)/)) return 'operator'
    if (stream.match(/^"(?:[^"\\]|\\.)*"|^'(?:[^']|'')*'/)) return 'string'
    if (stream.match(/^[^\s'"#][^\n]*?:(?=\s|$)/)) return 'keyword'
    stream.skipToEnd()
    return null
  },
})
