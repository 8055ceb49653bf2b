/** What was thrown, in words. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const codeIn = (error: unknown): string | null =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null

/** `ENOENT`, `EACCES`, `ERR_TLS_CERT_ALTNAME_INVALID` ... of what the system or Node has thrown; of anything else its words. */
export const codeOf = (error: unknown): string => codeIn(error) ?? errorText(error)

/** The same of what only the system can have thrown; anything else is our own fault, and thrown again. */
export function systemCodeOf(error: unknown): string {
  const code = codeIn(error)
  if (code === null) throw error
  return code
}
