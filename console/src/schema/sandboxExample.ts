import { examples } from './examples'

export type Files = { schemaText: string; relationships: string; assertions: string; expectedRelations: string }

export const emptyFiles: Files = { schemaText: '', relationships: '', assertions: '', expectedRelations: '' }

/** exampleFiles are what a sandbox begins with. */
export const exampleFiles: Files = {
  schemaText: examples.documents,
  relationships: `folder:plans#owner@user:anna
document:budget#folder@folder:plans
document:budget#viewer@user:ben
`,
  assertions: `assertTrue:
  - document:budget#edit@user:anna
  - document:budget#view@user:ben
assertFalse:
  - document:budget#edit@user:ben
`,
  expectedRelations: `document:budget#view:
  - "[user:anna] is <folder:plans#owner>"
  - "[user:ben] is <document:budget#viewer>"
`,
}
