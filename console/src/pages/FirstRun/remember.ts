/** Remembered is what the first run asks for and is no secret: it waits in the tab while one is at the provider. */
export type Remembered = {
  companyName: string
  givenName: string
  surname: string
  email: string
  licences: Record<string, number>
  authenticator: { name: string; issuer: string; clientId: string }
}

const key = 'pemba-first-run'

export function remember({ companyName, givenName, surname, email, licences, authenticator: { name, issuer, clientId } }: Remembered) {
  const kept: Remembered = { companyName, givenName, surname, email, licences, authenticator: { name, issuer, clientId } }
  try {
    sessionStorage.setItem(key, JSON.stringify(kept))
  } catch {
    // storage is off: it is entered again if the provider confirms nobody
  }
}

/** remembered returns what was kept, once. */
export function remembered(): Remembered | undefined {
  try {
    const kept = sessionStorage.getItem(key)
    sessionStorage.removeItem(key)
    return kept ? (JSON.parse(kept) as Remembered) : undefined
  } catch {
    return undefined
  }
}
