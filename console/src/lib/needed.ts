import { texts } from './texts'

/** needed is the fault of a field that has to be filled and is not. */
export const needed = (text: string): string | null => (text.trim() ? null : texts.company.form.required)
