import { Text } from '@mantine/core'
import type { RelationshipJson } from '../../api/gen/authzed/api/v1/core_pb'
import { update, useWrite } from '../../api/relationships'
import { saved } from '../../components/Announcer'
import { Confirm } from '../../components/Confirm'
import { Dialog } from '../../components/Dialog'
import { History } from '../../components/History'
import type { Filter } from '../../lib/filter'
import { relationshipText } from '../../lib/relationship'
import { texts } from '../../lib/texts'
import { BulkDelete } from './BulkDelete'
import { EditForm } from './EditForm'
import { Export } from './Export'
import { Import } from './Import'

const t = texts.relationships
const shown = 10

/** Open is the dialog that lies over the page. */
export type Open =
  | { kind: 'edit'; relationship?: RelationshipJson }
  | { kind: 'delete' | 'history'; relationship: RelationshipJson }
  | { kind: 'selected'; rows: RelationshipJson[] }
  | { kind: 'bulk' | 'import' | 'export' }

export function Dialogs({ open, filter, onClose, onDeleted }: { open: Open | undefined; filter: Filter; onClose: () => void; onDeleted: () => void }) {
  const write = useWrite()
  const erase = async (rows: RelationshipJson[]) => {
    await write.mutateAsync({ updates: rows.map((r) => update('delete', r)) })
    onDeleted()
    saved(rows.length === 1 ? t.deleted : t.bulkDone(rows.length))
  }
  if (!open) return null
  switch (open.kind) {
    case 'edit':
      return <Dialog opened onClose={onClose} title={open.relationship ? t.editTitle : t.addTitle} size="lg"><EditForm filter={filter} {...(open.relationship ? { relationship: open.relationship } : {})} onDone={onClose} /></Dialog>
    case 'history':
      return <Dialog opened onClose={onClose} title={texts.workbench.history.title} size="lg"><Text className="app-mono" size="sm">{relationshipText(open.relationship)}</Text><History relationship={open.relationship} /></Dialog>
    case 'delete':
    case 'selected': {
      const rows = 'rows' in open ? open.rows : [open.relationship]
      return (
        <Confirm opened onClose={onClose} title={rows.length === 1 ? t.deleteTitle : t.bulkTitle} action={t.delete} onConfirm={() => erase(rows)}>
          {rows.slice(0, shown).map((r) => <Text key={relationshipText(r)} className="app-mono" size="sm">{relationshipText(r)}</Text>)}
          {rows.length > shown && <Text size="sm">{t.bulkEffect(rows.length, false)}</Text>}
          <Text size="sm" mt="xs">{t.deleteEffect}</Text>
        </Confirm>
      )
    }
    case 'bulk':
      return <Dialog opened onClose={onClose} title={t.bulkTitle}><BulkDelete filter={filter} onDone={onClose} /></Dialog>
    case 'import':
      return <Dialog opened onClose={onClose} title={t.importTitle} size="lg"><Import onDone={onClose} /></Dialog>
    case 'export':
      return <Dialog opened onClose={onClose} title={t.exportTitle}><Export filter={filter} onDone={onClose} /></Dialog>
  }
}
