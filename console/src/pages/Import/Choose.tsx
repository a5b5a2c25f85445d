import { useState } from 'react'
import { Anchor, Button, FileInput, Group, Stack, Text, Textarea } from '@mantine/core'
import { Form } from '../../components/Form'
import { csv as write, download } from '../../lib/download'
import { texts } from '../../lib/texts'
import { records, targets } from './csv'

const t = texts.company.import
const largest = 2 * 1024 * 1024 // bytes, as the server takes them

const template = () => download('people.csv', write([[...targets], ['anna.berg@acme.example', 'Anna', 'Berg', 'Analyst', 'boss@acme.example', 'true']]), 'text/csv')

/** Choose takes a file, or what is pasted. */
export function Choose({ onText }: { onText: (text: string) => void }) {
  const [text, setText] = useState('')
  const [error, setError] = useState('')
  const read = async (file: File | null) => {
    setError('')
    if (!file) return
    if (file.size > largest) setError(t.tooLarge)
    else setText(await file.text())
  }
  const rows = records(text).length - 1
  const go = () => {
    if (new Blob([text]).size > largest) setError(t.tooLarge)
    else if (rows < 1) setError(t.noRows)
    else onText(text)
  }
  return (
    <Form onSubmit={() => { go() }}>
      <Stack maw={760}>
        <Text size="sm">{t.about} <Anchor component="button" type="button" size="sm" onClick={template}>{t.template}</Anchor></Text>
        <FileInput label={t.file} placeholder={t.pickFile} accept=".csv,text/csv,text/plain" clearable onChange={(f) => void read(f)} />
        <Textarea label={t.paste} autosize minRows={6} maxRows={16} value={text} onChange={(e) => { setText(e.currentTarget.value); setError('') }} error={error || undefined} spellCheck={false} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />
        <Group justify="flex-end"><Button type="submit" disabled={text.trim() === ''}>{t.next}</Button></Group>
      </Stack>
    </Form>
  )
}
