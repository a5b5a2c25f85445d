// Every text that people read, in one catalogue, so that a second language can
// stand beside it. Each area has a file; pages take `texts.area`.
import { common } from './texts/common'
import { company } from './texts/company'
import { explanation } from './texts/explanation'
import { lookup } from './texts/lookup'
import { operations } from './texts/operations'
import { portal } from './texts/portal'
import { relationships } from './texts/relationships'
import { sandbox } from './texts/sandbox'
import { schema } from './texts/schema'
import { settings } from './texts/settings'
import { watch } from './texts/watch'
import { workbench } from './texts/workbench'

export const texts = { common, company, explanation, lookup, operations, portal, relationships, sandbox, schema, settings, watch, workbench } as const
