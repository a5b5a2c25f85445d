import { ActionIcon, Group, Paper, Text, Title } from '@mantine/core'
import { texts } from '../../lib/texts'
import type { Step } from '../../lib/steps'
import { History } from '../History'
import { Icon } from '../Icon'
import { StepLine } from './StepTree'

/** StepDetail is a step with who wrote its relationship, and when. */
export function StepDetail({ step, live, onClose }: { step: Step; live: boolean; onClose: () => void }) {
  const t = texts.explanation
  return (
    <Paper withBorder p="md" component="section" aria-label={t.detail}>
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">{t.detail}</Title>
        <ActionIcon variant="subtle" color="gray" aria-label={texts.common.close} onClick={onClose}><Icon name="close" size={16} /></ActionIcon>
      </Group>
      <Group gap={8} wrap="nowrap" className="app-step-wrap"><StepLine step={step} /></Group>
      {step.relationship && <Text size="sm" mt={4}>{step.stored ? t.stored : t.notStored}</Text>}
      {live && step.relationship && step.stored && <History relationship={step.relationship} />}
    </Paper>
  )
}
