/** Before which replies a client may be made to wait. */
export const moments = ['hello', 'mail', 'rcpt', 'data'] as const
export type Moment = (typeof moments)[number]

/** How long a client waits for a reply, in milliseconds, by what is known of it. */
export interface Delays extends Readonly<Record<Moment, number>> {
  /** Before each reply, for each point of the client's score. */
  readonly point: number
  /** Behind the first error of the client's; doubled with each further one, up to `mostEach`. */
  readonly error: number
  /** Before each further line of a reply of several lines, for a client that has failed a check. */
  readonly line: number
  /** Before the reply to RCPT, for who has asked for more than a few recipients that the backend does not know (Sendmail: BAD_RCPT_THROTTLE). */
  readonly unknown: number
}

export const noDelays: Delays = { hello: 0, mail: 0, rcpt: 0, data: 0, point: 0, error: 0, unknown: 0, line: 0 }

/** The longest that one error makes a client wait, ms. */
const mostEach = 60_000

/** Anybody may be mistaken about so many recipients. */
const mostUnknown = 2

/**
 * What a client that has done nothing wrong waits for one reply at most, ms: who only asks whether an address exists
 * (Exim's callouts) gives up on a command after 30 s, not on a session.
 *
 * Not taken: 30 s for all replies together. It cut the second wait of Fourmilab, and protected nobody, as callouts time each command.
 */
export const mostForClean = 30_000

/** What any client waits in a session at most, ms: as long as it must wait for the reply to one command (RFC 5321 4.5.3.2). */
export const mostForAny = 300_000

/**
 * What any client waits before one reply at most, ms. RFC 5321 4.5.3.2 has five minutes for the greeting, MAIL and RCPT, and two for DATA: what is left of them is
 * the backend's, which may have to be opened first.
 */
export const mostForReply = 240_000
export const mostForData = 90_000

/** From a client's command to the reply that it hears at the latest, ms, so that it hears 451 before it gives up on us. */
export const patience = 270_000

/** The least that a backend has for its part, ms. */
const leastForBackend = 30_000

/** What is left for the backend, ms, of what a client waits for a reply of which it has waited `held` already. */
export const leftForBackend = (held: number): number => Math.max(leastForBackend, patience - held)

/** What a delay depends on. */
export interface Bearing {
  /** The client need not prove anything: somebody vouched for it, or it has passed before. */
  readonly isKnown: boolean
  /** No check has failed with an action. */
  readonly isClean: boolean
  readonly score: number
  /** Errors of the client's so far. */
  readonly errors: number
  /** Recipients that the backend did not know. */
  readonly unknown: number
  /** It has waited so long already, ms, the pause before the greeting included. */
  readonly waited: number
}

/** How long the client waits for its next reply, ms. `moment`: before which; null: before none of those that have a delay of their own. */
export function delayOf(delays: Delays, moment: Moment | null, bearing: Bearing): number {
  const { isKnown, isClean, score, errors, unknown, waited } = bearing
  const usual = isKnown || moment === null ? 0 : delays[moment]
  const forErrors = errors > 0 ? Math.min(mostEach, delays.error * 2 ** Math.min(errors - 1, 30)) : 0
  const forUnknown = moment === 'rcpt' && unknown > mostUnknown ? delays.unknown : 0
  const wanted = usual + forErrors + forUnknown + score * delays.point
  const isBlameless = isClean && score === 0 && errors === 0
  const most = isBlameless ? mostForClean : moment === 'data' ? mostForData : mostForReply
  return Math.max(0, Math.min(wanted, most, mostForAny - waited))
}

/** How long a client waits before each further line of a reply of so many lines, ms; 0: it hears them at once. */
export function lineDelayOf(delays: Delays, { isKnown, isClean, score, waited }: Bearing, lines: number): number {
  if (isKnown || (isClean && score === 0)) return 0
  return waited + delays.line * (lines - 1) <= mostForAny ? delays.line : 0
}
