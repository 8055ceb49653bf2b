/** What the DNS lists have answered so far about one client. */
export interface DnsblFinding {
  /** Sum of the weights of the lists that name the client. */
  readonly rank: number
  /** Public name of the heaviest list that names the client; null: none does. */
  readonly list: string | null
  /** What the outstanding lists could still add at most (0 or more) ... */
  readonly couldRise: number
  /** ... and take away at most (0 or less). */
  readonly couldFall: number
  /** Lists that gave no usable answer: timeout, SERVFAIL, 127.255.255.x. Not the same as "not listed". */
  readonly failed: number
  /** Lists asked in all. */
  readonly asked: number
  /** Seconds for which the answers hold: the shortest DNS ttl, within the operator's bounds. */
  readonly ttl: number
}
