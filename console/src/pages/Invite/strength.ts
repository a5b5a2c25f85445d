/**
 * strength is how hard a password is to guess, from 0 to 4, by its length and by how
 * many different characters it has. It is a hint: the server decides.
 */
export function strength(password: string): number {
  const different = new Set(password).size
  const bits = password.length * Math.log2(Math.max(different, 1) + 1)
  return [25, 40, 55, 75].filter((least) => bits >= least).length
}
