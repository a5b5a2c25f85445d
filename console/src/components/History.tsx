import { Button, Table, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { post } from '../api/client'
import { isApiError } from '../api/errors'
import { consistency } from '../api/freshness'
import type { RelationshipJson } from '../api/gen/authzed/api/v1/core_pb'
import type { HistoryEvent_OperationJson, ReadHistoryResponseJson } from '../api/gen/pemba/console/v1/history_pb'
import { ago, count, moment } from '../lib/format'
import { texts } from '../lib/texts'
import { Failure } from './Failure'
import { Loading } from './Loading'
import { ScrollBox } from './ScrollBox'

const t = texts.workbench.history
const words: Record<HistoryEvent_OperationJson, string> = {
  OPERATION_UNSPECIFIED: '', OPERATION_CREATED: t.created, OPERATION_REPLACED: t.replaced, OPERATION_DELETED: t.deleted, OPERATION_EXPIRED: t.expired,
}

/** History is what happened to one relationship: who, when, at which revision. */
export function History({ relationship: r }: { relationship: RelationshipJson }) {
  const history = useInfiniteQuery({
    queryKey: ['history', r.resource, r.relation, r.subject],
    queryFn: ({ signal, pageParam }) => post<ReadHistoryResponseJson>('/pemba/console/v1/history/relationships',
      { consistency: consistency(), resource: r.resource, optionalRelation: r.relation, optionalSubject: r.subject, optionalLimit: 20, ...(pageParam ? { optionalCursor: pageParam } : {}) }, { signal }),
    initialPageParam: undefined as ReadHistoryResponseJson['afterResultCursor'],
    getNextPageParam: (last) => last.afterResultCursor ?? undefined,
  })
  const now = new Date(history.dataUpdatedAt)
  if (history.isPending) return <Loading rows={2} />
  if (isApiError(history.error, 'UNIMPLEMENTED') || isApiError(history.error, 'NOT_FOUND')) return <Text size="sm" c="dimmed">{t.none}</Text>
  if (history.isError) return <Failure error={history.error} what={t.reading} retry={history.refetch} />
  const events = history.data.pages.flatMap((p) => p.events ?? [])
  if (events.length === 0) return <Text size="sm" c="dimmed">{t.none}</Text>
  return (
    <ScrollBox label={t.label}><Table mt="xs" verticalSpacing={6}>
      <Table.Thead><Table.Tr>{t.columns.map((c) => <Table.Th key={c} scope="col">{c}</Table.Th>)}</Table.Tr></Table.Thead>
      <Table.Tbody>
        {events.map((e) => (
          <Table.Tr key={`${e.revision}-${e.operation}`}>
            <Table.Td>{words[e.operation ?? 'OPERATION_UNSPECIFIED']}</Table.Td>
            <Table.Td>{e.recorded && e.time ? <time dateTime={e.time} title={moment(new Date(e.time))}>{ago(new Date(e.time), now)}</time> : t.unknown}</Table.Td>
            <Table.Td>{e.recorded ? e.actor || t.nobody : t.unknown}</Table.Td>
            <Table.Td>{count(e.revision ?? 0)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
    {history.hasNextPage && <Button size="compact-sm" variant="default" mt="xs" loading={history.isFetchingNextPage} onClick={() => void history.fetchNextPage()}>{t.more}</Button>}
    </ScrollBox>
  )
}
