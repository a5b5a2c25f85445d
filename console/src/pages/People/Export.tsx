import { Alert, Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { ExportUsersResponseJson } from '../../api/gen/pemba/portal/v1/people_pb'
import { save } from '../../api/portal/exports'
import type { Filter } from '../../api/portal/people'
import { saved } from '../../components/Announcer'
import { texts } from '../../lib/texts'

const t = texts.company.people

/** Export saves the people that the filter selects as CSV, as the server writes it. */
export function Export({ filter: { search, state, service, role } }: { filter: Filter }) {
  const run = useMutation({
    mutationFn: () => save<ExportUsersResponseJson>('/portal/v1/users:export', { search, state, service, role }, (m) => m.csv, 'people.csv', 'text/csv'),
    onSuccess: () => saved(t.exported('people.csv')),
  })
  return (
    <>
      <Button variant="default" loading={run.isPending} onClick={() => run.mutate()}>{t.export}</Button>
      {run.isError && <Alert color="red" role="alert" p="xs">{texts.common.failed(t.exporting)}: {run.error.message}</Alert>}
    </>
  )
}
