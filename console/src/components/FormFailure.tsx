import { Alert, Anchor, List } from '@mantine/core'
import { texts } from '../lib/texts'
import { Failure } from './Failure'

type Props = {
  error: unknown
  what: string
  /** errors are those that stand at fields, by the name of the field. */
  errors: Readonly<Record<string, unknown>>
  /** labels name the fields; a field's element has its name as data-path, as forms of the library give it. */
  labels: Readonly<Record<string, string>>
}

/** FormFailure says why a form was not sent: with links to the fields when several are to blame. */
export function FormFailure({ error, what, errors, labels }: Props) {
  const wrong = Object.entries(errors).filter(([, e]) => !!e)
  if (wrong.length === 0) return error ? <Failure error={error} what={what} /> : null
  if (wrong.length === 1) return null // it stands at its field
  const focus = (field: string) => document.querySelector<HTMLElement>(`[data-path="${CSS.escape(field)}"]`)?.focus()
  return (
    <Alert color="red" role="alert" title={texts.company.formNotSent}>
      <List size="sm">
        {wrong.map(([field, e]) => (
          <List.Item key={field}><Anchor component="button" type="button" size="sm" onClick={() => focus(field)}>{labels[field] ?? field}</Anchor>: {String(e)}</List.Item>
        ))}
      </List>
    </Alert>
  )
}
