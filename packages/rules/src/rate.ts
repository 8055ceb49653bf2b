/** So many in a period; both are 1 or more, the period in seconds. */
export interface Rate {
  readonly count: number
  readonly period: number
}

/** What one more came to. */
interface Admission {
  /** Seconds until the next will be within the rate; 0: this one is. */
  readonly wait: number
  /** When all that were let in will have been worked off: what is to be kept, until then. */
  readonly until: number
}

/**
 * The generic cell rate algorithm (ITU-T I.371): so many may come at once as the rate has in a period, and from then on one each time that a
 * share of the period has passed. `until`: what was kept; null: nothing. `now` in seconds, with their fractions. One that is not
 * let in does not count, so that who tries too often is not kept out by that (Exim's `leaky`). What was kept by a clock that was ahead, or for a longer
 * period, keeps nobody out for longer than a share of this one.
 *
 * Not taken: counting by calendar minutes, which lets twice as many through where two of them meet.
 */
export function admit(until: number | null, { count, period }: Rate, now: number): Admission {
  const from = Math.min(Math.max(until ?? now, now), now + period)
  const next = from + period / count
  const wait = next - period - now
  // What fractions lose in a thousand additions is no excess.
  return wait > 1e-6 ? { wait, until: from } : { wait: 0, until: next }
}
