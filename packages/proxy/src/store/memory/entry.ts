import { type Fading, faded, goodWordGap, type Lesson, lifeOf, noRepute, type Repute, together } from '@sallyport/rules'

/** Names of checks, each with the wall-clock second at which it no longer holds. */
export type Expiries = Readonly<Record<string, number>>

/** What was known of a client's mail at a wall-clock second; it has been fading since. */
export interface Fame {
  readonly repute: Repute
  readonly at: number
  /** The second of the last good word that counted; 0: there was none. */
  readonly praisedAt: number
}

export interface Entry {
  readonly passed: Expiries
  readonly failed: Expiries
  readonly fame: Fame | null
}

/** Ten years, in seconds: the longest that anything is remembered. */
export const longestTtl = 315_360_000

const nothing: Expiries = Object.freeze({})
export const noEntry: Entry = Object.freeze({ passed: nothing, failed: nothing, fame: null })

const hasNone = (expiries: Expiries): boolean => Object.keys(expiries).length === 0

export function isEmpty({ passed, failed, fame }: Entry): boolean {
  return fame === null && hasNone(passed) && hasNone(failed)
}

/** Whether there is something in it that speaks for the client. */
export function isGood({ passed, fame }: Entry): boolean {
  return !hasNone(passed) || (fame !== null && fame.repute.score < 0)
}

/** Whether that is all there is in it. */
export function isUnblemished(entry: Entry): boolean {
  return isGood(entry) && hasNone(entry.failed) && (entry.fame === null || entry.fame.repute.score <= 0)
}

function isLive(expiries: Expiries, now: number): boolean {
  for (const name in expiries) if ((expiries[name] ?? 0) <= now) return false
  return true
}

/** Copies what still holds; the shared empty object where nothing does. */
function liveOf(expiries: Expiries, now: number): Expiries {
  if (isLive(expiries, now)) return expiries
  const live: Record<string, number> = {}
  for (const [name, until] of Object.entries(expiries)) if (until > now) live[name] = until
  return hasNone(live) ? nothing : live
}

const isFaded = ({ repute, at }: Fame, now: number, fading: Fading): boolean => at + lifeOf(repute, fading) <= now

/** What of it holds at `now`. */
export function living(entry: Entry, now: number, fading: Fading): Entry {
  const passed = liveOf(entry.passed, now)
  const failed = liveOf(entry.failed, now)
  const fame = entry.fame === null || isFaded(entry.fame, now, fading) ? null : entry.fame
  const isWhole = passed === entry.passed && failed === entry.failed && fame === entry.fame
  return isWhole ? entry : { passed, failed, fame }
}

/** What is left of it at `now`; a clock that has gone back makes nothing fresh again. */
export function reputeAt(fame: Fame | null, now: number, fading: Fading): Repute | null {
  return fame === null ? null : faded(fame.repute, now - fame.at, fading)
}

/** What a lesson adds to what is known; of two expiries of one name the later holds. */
function extended(known: Expiries, ttls: Readonly<Record<string, number>>, now: number): Expiries {
  let out: Record<string, number> | null = null
  for (const [name, ttl] of Object.entries(ttls)) {
    if (!(ttl >= 1)) continue
    const until = now + Math.floor(Math.min(ttl, longestTtl))
    const before = Object.hasOwn(known, name) ? (known[name] ?? 0) : 0
    if (until <= before) continue
    out ??= { ...known }
    out[name] = until
  }
  return out ?? known
}

/** Without the names that a lesson says were failed. */
export function without(known: Readonly<Record<string, number>>, failed: Readonly<Record<string, number>>): Expiries {
  if (hasNone(failed) || hasNone(known)) return known
  const kept = Object.entries(known).filter(([name]) => !((failed[name] ?? 0) >= 1))
  return kept.length === 0 ? nothing : Object.fromEntries(kept)
}

function famed(known: Fame | null, repute: Repute | undefined, now: number, fading: Fading): Fame | null {
  if (repute === undefined) return known
  const before = reputeAt(known, now, fading) ?? noRepute
  const praisedAt = known?.praisedAt ?? 0
  const isGood = repute.score < 0
  // Where a clock has gone back it counts later.
  const isTooSoon = isGood && now - praisedAt < goodWordGap
  const fame = {
    repute: together(before, isTooSoon ? { ...repute, score: 0 } : repute),
    at: now,
    praisedAt: isGood && !isTooSoon ? now : praisedAt,
  }
  return isFaded(fame, now, fading) ? null : fame
}

/** Adds what several lessons came to: failures take back the passes known before, and then what is in it holds, both of one name too. */
export function merged(known: Entry, sum: Lesson, now: number, fading: Fading): Entry {
  return {
    passed: extended(without(known.passed, sum.failed), sum.passed, now),
    failed: extended(known.failed, sum.failed, now),
    fame: famed(known.fame, sum.repute, now, fading),
  }
}

const ttlsOf = (expiries: Expiries, now: number): Record<string, number> =>
  Object.fromEntries(Object.entries(expiries).map(([name, until]) => [name, until - now]))

/** What would teach another table the same. */
export function lessonFrom({ passed, failed, fame }: Entry, now: number, fading: Fading): Lesson {
  const repute = reputeAt(fame, now, fading)
  return { passed: ttlsOf(passed, now), failed: ttlsOf(failed, now), ...(repute === null ? {} : { repute }) }
}
