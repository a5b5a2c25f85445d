// Every text that people read, in one catalogue, so that a second language can
// stand beside it. Each area has a file; pages take `texts.area`.
import { common } from './texts/common'
import { operations } from './texts/operations'
import { portal } from './texts/portal'
import { workbench } from './texts/workbench'

export const texts = { common, portal, workbench, operations } as const
