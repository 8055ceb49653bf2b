/** What SPF says of a client and the domain it writes for (RFC 7208 2.6). */
export const spfResults = ['none', 'neutral', 'pass', 'fail', 'softfail', 'temperror', 'permerror'] as const
export type SpfResult = (typeof spfResults)[number]

/** The result of a check, and how it came about. */
export interface SpfFinding {
  readonly result: SpfResult
  /** The domain that was checked, in lower case; empty: there was none. */
  readonly domain: string
  /** Whose domain it is: of the reverse-path, or, where that is null, of HELO (RFC 7208 2.3, 2.4). */
  readonly identity: 'mailfrom' | 'helo'
  /** The mechanism that matched, as it was written; null: none did. */
  readonly mechanism: string | null
  /** What was wrong, of an error; null: nothing. */
  readonly problem: string | null
  /** What the domain's owner has to say of a fail; null: nothing. Anybody's text, of at most 250 characters. */
  readonly explanation: string | null
}
