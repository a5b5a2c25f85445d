import { useState } from 'react'
import { Button, Group, Stack, Text, Textarea } from '@mantine/core'
import { post } from '../../api/client'
import type { DiagramJson, ListCommentsResponseJson } from '../../api/gen/pemba/portal/v1/diagrams_pb'
import { path, useChange, usePaged } from '../../api/portal/lists'
import { can, personName } from '../../api/portal/words'
import { Dialog, useUnsaved } from '../../components/Dialog'
import { Failure, Refused } from '../../components/Failure'
import { Form } from '../../components/Form'
import { Loading } from '../../components/Loading'
import { WriteButton } from '../../components/WriteButton'
import { moment } from '../../lib/format'
import { texts } from '../../lib/texts'

const t = texts.portal.diagram

/** Comments are what people said about a diagram, the oldest first. */
export function Comments({ diagram, onClose }: { diagram: DiagramJson | undefined; onClose: () => void }) {
  return <Dialog opened={!!diagram} onClose={onClose} title={`${t.comments}: ${diagram?.name ?? ''}`} size="lg">{diagram && <Body diagram={diagram} />}</Dialog>
}

function Body({ diagram: d }: { diagram: DiagramJson }) {
  const [text, setText] = useState('')
  const all = usePaged(path('diagrams', d.id ?? '', 'comments'), {}, (a: ListCommentsResponseJson) => a.comments)
  const add = useChange(() => post(path('diagrams', d.id ?? '', 'comments'), { text }))
  useUnsaved(text.trim() !== '')
  return (
    <Stack>
      {all.isPending && <Loading rows={3} />}
      {all.isError && <Refused error={all.error} what={t.comments} permission="comment" retry={all.refetch} />}
      {all.isSuccess && all.rows.length === 0 && <Text c="dimmed">{t.noComments}</Text>}
      <Stack gap="sm" role="list" aria-label={t.comments}>
        {all.rows.map((c) => (
          <div key={c.id} role="listitem">
            <Text size="xs" c="dimmed">{personName(c.author)}, {c.createdAt && <time dateTime={c.createdAt}>{moment(new Date(c.createdAt))}</time>}</Text>
            <Text style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{c.text}</Text>
          </div>
        ))}
      </Stack>
      {all.hasNextPage && <Button variant="default" onClick={all.more} loading={all.isFetchingNextPage}>{texts.common.next}</Button>}
      {can(d.allowed, 'comment') && (
        <Form onSubmit={() => { if (text.trim() && !add.isPending) add.mutate(undefined, { onSuccess: () => setText('') }) }}>
          <Textarea label={t.comment} autosize minRows={2} maxLength={4000} value={text} onChange={(e) => setText(e.currentTarget.value)} data-autofocus />
          {add.isError && <Failure error={add.error} what={t.add} />}
          <Group justify="flex-end" mt="xs"><WriteButton type="submit" disabled={text.trim() === ''} loading={add.isPending}>{t.add}</WriteButton></Group>
        </Form>
      )}
    </Stack>
  )
}
