import type { Lesson } from '@sallyport/rules'
import { type ClientRecord, unknownClient } from './store.ts'

/** Names of checks, each with the wall-clock second at which it no longer holds. */
export type Expiries = Readonly<Record<string, number>>

export interface Entry {
  readonly passed: Expiries
  readonly failed: Expiries
}

/** Ten years, in seconds: the longest that anything is remembered. */
export const longestTtl = 315_360_000

const nothing: Expiries = Object.freeze({})

const isEmpty = (expiries: Expiries): boolean => Object.keys(expiries).length === 0

function isLive(expiries: Expiries, now: number): boolean {
  for (const name in expiries) if ((expiries[name] ?? 0) <= now) return false
  return true
}

/** Copies what still holds; the shared empty object where nothing does. */
function liveOf(expiries: Expiries, now: number): Expiries {
  if (isLive(expiries, now)) return expiries
  const live: Record<string, number> = {}
  for (const [name, until] of Object.entries(expiries)) if (until > now) live[name] = until
  return isEmpty(live) ? nothing : live
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
function without(known: Readonly<Record<string, number>>, failed: Readonly<Record<string, number>>): Expiries {
  if (isEmpty(failed) || isEmpty(known)) return known
  const kept = Object.entries(known).filter(([name]) => !((failed[name] ?? 0) >= 1))
  return kept.length === 0 ? nothing : Object.fromEntries(kept)
}

function ttlsOf(expiries: Expiries, now: number): Record<string, number> {
  return Object.fromEntries(Object.entries(expiries).map(([name, until]) => [name, until - now]))
}

/**
 * A bounded table of clients in this process. Time is an argument, in wall-clock seconds.
 *
 * At the cap the client that was met least recently goes, in constant time: a Map keeps the order in which keys were set, so
 * setting a client anew whenever it is met makes the first key the oldest. Clients that have passed something and clients of
 * whom only failures are known have a shelf each, and the failures are pushed out first while they take more than a quarter:
 * otherwise a botnet of many addresses would make the gate forget the honest senders, who then would all have to wait again.
 *
 * Not taken: pushing out what expires first, which needs a heap and would sacrifice the passes with short ttls that are
 * renewed every day; a timer for each expiry, or a sweep: an expired client is dropped when it is met, pushed out or saved.
 */
export class Records {
  readonly capacity: number
  readonly #passed = new Map<string, Entry>()
  readonly #onlyFailed = new Map<string, Entry>()

  /** `capacity`: the most clients; of fewer than four, the one met last may be the one that goes. */
  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.#passed.size + this.#onlyFailed.size
  }

  has(client: string): boolean {
    return this.#passed.has(client) || this.#onlyFailed.has(client)
  }

  /** What holds at `now`; counts as meeting the client. */
  recall(client: string, now: number): ClientRecord {
    const entry = this.entry(client, now)
    if (entry === null) return unknownClient
    this.put(client, entry)
    return { passed: Object.keys(entry.passed), failed: Object.keys(entry.failed) }
  }

  /** What a session has taught. */
  remember(client: string, lesson: Lesson, now: number): void {
    this.merge(client, { passed: without(lesson.passed, lesson.failed), failed: lesson.failed }, now)
  }

  /** Adds what several lessons came to: failures take back the passes known before, and then what is in it holds, both of one name too. */
  merge(client: string, sum: Lesson, now: number): void {
    const known = this.entry(client, now)
    const failed = extended(known?.failed ?? nothing, sum.failed, now)
    const passed = extended(without(known?.passed ?? nothing, sum.failed), sum.passed, now)
    if (!isEmpty(passed) || !isEmpty(failed)) this.put(client, { passed, failed })
  }

  /** Puts what is known elsewhere in place of what was known here. */
  replace(client: string, sum: Lesson, now: number): void {
    this.forget(client)
    this.merge(client, sum, now)
  }

  /** Takes a client out, as what would teach another table the same by `merge`; null: nothing is known. */
  take(client: string, now: number): Lesson | null {
    const entry = this.entry(client, now)
    this.forget(client)
    return entry === null ? null : { passed: ttlsOf(entry.passed, now), failed: ttlsOf(entry.failed, now) }
  }

  forget(client: string): boolean {
    const passed = this.#passed.delete(client)
    return this.#onlyFailed.delete(client) || passed
  }

  /** What holds at `now`, without meeting the client; null: nothing, and it is dropped if it was known. */
  entry(client: string, now: number): Entry | null {
    const entry = this.#passed.get(client) ?? this.#onlyFailed.get(client)
    if (entry === undefined) return null
    if (isLive(entry.passed, now) && isLive(entry.failed, now)) return entry
    const live = { passed: liveOf(entry.passed, now), failed: liveOf(entry.failed, now) }
    if (!isEmpty(live.passed) || !isEmpty(live.failed)) return live
    this.forget(client)
    return null
  }

  /** Sets a client, as the one met last. */
  put(client: string, entry: Entry): void {
    this.forget(client)
    const shelf = isEmpty(entry.passed) ? this.#onlyFailed : this.#passed
    shelf.set(client, entry)
    if (this.size > this.capacity) this.#pushOut()
  }

  /** All clients, each shelf from the one met least recently to the one met last. */
  clients(): string[] {
    return [...this.#onlyFailed.keys(), ...this.#passed.keys()]
  }

  #pushOut(): void {
    const failuresFirst = this.#onlyFailed.size * 4 > this.capacity || this.#passed.size === 0
    const shelf = failuresFirst ? this.#onlyFailed : this.#passed
    for (const oldest of shelf.keys()) {
      shelf.delete(oldest)
      return
    }
  }
}
