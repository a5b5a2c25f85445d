import { useState } from 'react'
import { Autocomplete, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useAssertions, useSaveAssertions } from '../../api/assertions'
import type { Question } from '../../api/explain'
import type { ExplainResponseJson } from '../../api/gen/pemba/v1/explain_service_pb'
import { atLeast, useMe } from '../../api/me'
import { saved } from '../../components/Announcer'
import { Dialog } from '../../components/Dialog'
import { DialogForm } from '../../components/DialogForm'
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

const usual = 'checks' // the set that is offered

function Form({ question: q, expected, onDone }: { question: Question; expected: 'ANSWER_YES' | 'ANSWER_NO' | 'ANSWER_CONDITIONAL'; onDone: () => void }) {
  const sets = useAssertions()
  const save = useSaveAssertions()
  const [name, setName] = useState(usual)
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
    <DialogForm onSubmit={() => { submit().catch(() => undefined) }} onCancel={onDone} action={texts.common.save} dirty={name !== usual || note !== ''} busy={save.isPending} ready={sets.isSuccess && !broken && name.trim() !== ''}>
      <Text size="sm"><span className="app-mono">{text}</span>: {texts.explanation.words[expected]}</Text>
      <Autocomplete label={t.set} description={t.setHint} data={(sets.data ?? []).map((s) => s.name ?? '')} value={name} onChange={setName} required data-autofocus {...(broken ? { error: t.broken } : {})} />
      {sets.isError && <Failure error={sets.error} what={t.reading} retry={sets.refetch} />}
      <TextInput label={t.note} value={note} onChange={(e) => setNote(e.currentTarget.value)} maxLength={500} />
      {save.isError && <Failure error={save.error} what={t.save} />}
    </DialogForm>
  )
}
