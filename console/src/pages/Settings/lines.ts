/** lines is what a field has that takes one thing a line; commas part things, too. */
export const lines = (text: string): string[] => text.split(/[\n,]/).map((l) => l.trim()).filter(Boolean)

/** asLines shows them in such a field. */
export const asLines = (all: readonly string[] | undefined): string => (all ?? []).join('\n')
