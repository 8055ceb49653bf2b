import { dropOldest, type Fading, type Lesson, usualFading } from '@sallyport/rules'
import { type ClientRecord, unknownClient } from '../store.ts'
import {
  type Entry,
  isEmpty,
  isGood,
  isUnblemished,
  lessonFrom,
  living,
  merged,
  noEntry,
  reputeAt,
  without,
} from './entry.ts'

/**
 * A bounded table of clients in this process. Time is an argument, in wall-clock seconds.
 *
 * At the cap the client that was met least recently goes, in constant time: a Map keeps the order in which keys were set, so
 * setting a client anew whenever it is met makes the first key the oldest. Clients of whom something good is known and clients of
 * whom only bad is known have a shelf each, and the bad are pushed out first while they take more than a quarter:
 * otherwise a botnet of many addresses would make the gate forget the honest senders, who then would all have to wait again.
 *
 * Not taken: pushing out what expires first, which needs a heap and would sacrifice the passes with short ttls that are
 * renewed every day; a timer for each expiry, or a sweep: an expired client is dropped when it is met, pushed out or saved.
 */
export class Records {
  readonly capacity: number
  fading: Fading
  readonly #good = new Map<string, Entry>()
  readonly #bad = new Map<string, Entry>()

  /** `capacity`: the most clients; of fewer than four, the one met last may be the one that goes. */
  constructor(capacity: number, fading: Fading = usualFading) {
    this.capacity = capacity
    this.fading = fading
  }

  get size(): number {
    return this.#good.size + this.#bad.size
  }

  has(client: string): boolean {
    return this.#good.has(client) || this.#bad.has(client)
  }

  /** Something good is known of the client, and nothing bad; does not count as meeting it. */
  isGood(client: string, now: number): boolean {
    const entry = this.entry(client, now)
    return entry !== null && isUnblemished(entry)
  }

  /** What holds at `now`; counts as meeting the client. */
  recall(client: string, now: number): ClientRecord {
    const entry = this.entry(client, now)
    if (entry === null) return unknownClient
    this.put(client, entry)
    const repute = reputeAt(entry.fame, now, this.fading)
    return { passed: Object.keys(entry.passed), failed: Object.keys(entry.failed), repute }
  }

  /** What a session has taught. */
  remember(client: string, lesson: Lesson, now: number): void {
    this.merge(client, { ...lesson, passed: without(lesson.passed, lesson.failed) }, now)
  }

  /** Adds what several lessons came to: failures take back the passes known before, and then what is in it holds, both of one name too. */
  merge(client: string, sum: Lesson, now: number): void {
    const entry = merged(this.entry(client, now) ?? noEntry, sum, now, this.fading)
    if (isEmpty(entry)) this.forget(client)
    else this.put(client, entry)
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
    return entry === null ? null : lessonFrom(entry, now, this.fading)
  }

  forget(client: string): boolean {
    const wasGood = this.#good.delete(client)
    return this.#bad.delete(client) || wasGood
  }

  /** What holds at `now`, without meeting the client; null: nothing, and it is dropped if it was known. */
  entry(client: string, now: number): Entry | null {
    const entry = this.#good.get(client) ?? this.#bad.get(client)
    if (entry === undefined) return null
    const live = living(entry, now, this.fading)
    if (!isEmpty(live)) return live
    this.forget(client)
    return null
  }

  /** Sets a client, as the one met last. */
  put(client: string, entry: Entry): void {
    this.forget(client)
    const shelf = isGood(entry) ? this.#good : this.#bad
    shelf.set(client, entry)
    if (this.size > this.capacity) this.#pushOut()
  }

  /** All clients, each shelf from the one met least recently to the one met last. */
  clients(): string[] {
    return [...this.#bad.keys(), ...this.#good.keys()]
  }

  #pushOut(): void {
    const badFirst = this.#bad.size * 4 > this.capacity || this.#good.size === 0
    dropOldest(badFirst ? this.#bad : this.#good)
  }
}
