import { Button, Group } from '@mantine/core'
import { Empty } from '../../components/Empty'
import { Page } from '../../components/Page'
import { texts } from '../../lib/texts'
import { examples } from '../../schema/examples'

const t = texts.schema

/** NoSchema begins the first schema, with an example or from nothing. */
export function NoSchema({ onBegin }: { onBegin: (text: string) => void }) {
  return (
    <Page title={texts.workbench.pages.schema} about={t.about}>
      <Empty kind="nothing" title={t.noneTitle} action={
        <Group justify="center" gap="xs">
          {(Object.keys(examples) as (keyof typeof examples)[]).map((k) => <Button key={k} variant="default" onClick={() => onBegin(examples[k])}>{t.examples[k]}</Button>)}
          <Button variant="default" onClick={() => onBegin('definition user {}\n')}>{t.empty}</Button>
        </Group>
      }>{t.noneHint}</Empty>
    </Page>
  )
}
