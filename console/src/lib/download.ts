/** download hands a text to the browser as a file. */
export const download = (name: string, text: string, type: string): void => hand(name, new Blob([text], { type: type + ';charset=utf-8' }))

/** downloadBytes does so with what came as base64. */
export const downloadBytes = (name: string, base64: string, type: string): void => hand(name, new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], { type }))

function hand(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  document.body.append(link)
  link.click()
  link.remove()
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}

/** csv writes rows so that no spreadsheet takes a cell for a formula. */
export function csv(rows: string[][]): string {
  const cell = (text: string) => {
    const safe = /^[=+\-@\t\r]/.test(text) ? "'" + text : text
    return /[",\n\r]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe
  }
  return rows.map((r) => r.map(cell).join(',')).join('\r\n') + '\r\n'
}
