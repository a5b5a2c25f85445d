import { useState } from 'react'
import { Autocomplete, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useAssertions, useSaveAssertions } from '../../api/assertions'
import type { Question } from '../../api/explain'
import type { ExplainResponseJson } from '../../api/gen/pemba/v1/explain_service_pb'
import { atLeast, useMe } from '../../api/me'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { Failure } from '../../components/Failure'
import { WriteButton } from '../../components/WriteButton'
import { withAssertion } from '../../lib/assertions'
import { parseContext } from '../../lib/relationship'
import { answerOf } from '../../lib/steps'
import { texts } from '../../lib/texts'

const t = texts.workbench.assertions
const expected = { yes: 'ANSWER_YES', no: 'ANSWER_NO', conditional: 'ANSWER_CONDITIONAL' } as const

/** SaveAssertion keeps a question and its answer, to be asked again when the schema changes. */
export function SaveAssertion({ question, answer }: { question: Question; answer: ExplainResponseJson }) {
  const [opened, dialog] = useDisclosure(false)
  const got = answerOf(answer.permissionship)
  if (!atLeast(useMe().workbench, 'write') || answer.undecided || got === 'undecided') return null
  return (
    <>
      <WriteButton variant="default" size="compact-sm" onClick={dialog.open}>{t.save}</WriteButton>
      <Dialog opened={opened} onClose={dialog.close} title={t.saveTitle}>
        {opened && <Form question={question} expected={expected[got]} onDone={dialog.close} />}
      </Dialog>
    </>
  )
}

function Form({ question: q, expected, onDone }: { question: Question; expected: 'ANSWER_YES' | 'ANSWER_NO' | 'ANSWER_CONDITIONAL'; onDone: () => void }) {
  const sets = useAssertions()
  const save = useSaveAssertions()
  const [name, setName] = useState('checks')
  const [note, setNote] = useState('')
  const text = `${q.resource}#${q.permission}@${q.subject}`
  const set = sets.data?.find((s) => s.name === name)
  const broken = !!set?.fault // something else wrote it, which must not be lost
  const submit = async () => {
    const added = { text, expected, note, ...(q.context ? { context: parseContext(q.context) } : {}) }
    await save.mutateAsync({
      set: { name, description: set?.description ?? '', assertions: withAssertion(set?.assertions ?? [], added) },
      ifVersion: set?.version ?? '0',
    })
    saved(t.saved)
    onDone()
  }
  return (
    <form onSubmit={(e) => { e.preventDefault(); submit().catch(() => undefined) }}>
      <Stack>
        <Text size="sm"><span className="app-mono">{text}</span>: {texts.explanation.words[expected]}</Text>
        <Autocomplete label={t.set} description={t.setHint} data={(sets.data ?? []).map((s) => s.name ?? '')} value={name} onChange={setName} required data-autofocus {...(broken ? { error: t.broken } : {})} />
        {sets.isError && <Failure error={sets.error} what={t.reading} retry={sets.refetch} />}
        <TextInput label={t.note} value={note} onChange={(e) => setNote(e.currentTarget.value)} maxLength={500} />
        {save.isError && <Failure error={save.error} what={t.save} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>{texts.common.cancel}</Button>
          <Button type="submit" loading={save.isPending || sets.isPending} disabled={broken || sets.isError}>{texts.common.save}</Button>
        </Group>
      </Stack>
    </form>
  )
}
