/** The nonce that the server put into the page, for the style elements of libraries. */
export const nonce = (): string => document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? ''
