import { useNavigate } from '@tanstack/react-router'
import type { RelationshipJson } from '../../api/gen/authzed/api/v1/core_pb'
import type { RowAction } from '../../components/DataTable'
import { objectText, subjectText } from '../../lib/relationship'
import { texts } from '../../lib/texts'
import type { Open } from './Dialogs'

const t = texts.relationships

/** useRowActions is the menu of a row. */
export function useRowActions({ mayWrite, onOpen }: { mayWrite: boolean; onOpen: (o: Open) => void }): (r: RelationshipJson) => RowAction[] {
  const navigate = useNavigate()
  return (relationship) => {
    const resource = objectText(relationship.resource)
    const permission = relationship.relation ?? ''
    const subject = subjectText(relationship.subject)
    const question = { resource, permission, subject }
    const wildcard = subject.endsWith(':*')
    return [
      { label: t.check, onClick: () => void navigate({ to: '/workbench/check', search: question }), ...(wildcard ? { reason: texts.workbench.wildcard } : {}) },
      { label: t.who, onClick: () => void navigate({ to: '/workbench/who', search: { resource, permission, subject: relationship.subject?.object?.objectType ?? '' } }) },
      { label: t.graph, onClick: () => void navigate({ to: '/workbench/check', search: { ...question, view: 'graph' } }), ...(wildcard ? { reason: texts.workbench.wildcard } : {}) },
      { label: t.history, onClick: () => onOpen({ kind: 'history', relationship }) },
      ...(mayWrite
        ? [
            { label: t.edit, onClick: () => onOpen({ kind: 'edit', relationship }) },
            { label: t.delete, danger: true, onClick: () => onOpen({ kind: 'delete', relationship }) },
          ]
        : []),
    ]
  }
}
