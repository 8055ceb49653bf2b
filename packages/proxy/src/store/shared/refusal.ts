import type { StoreLog } from '../store.ts'

/** A server must have refused nothing for so long, in ms, before it is said to be willing again. */
const settled = 10_000

/**
 * Says once that a server which is there refuses what it is asked (a replica takes no writes, a full one neither), and once
 * that it does it again, even if for a while it does now one and now the other. `now` is in ms.
 */
export class Refusal {
  readonly #what: string
  readonly #log: StoreLog
  /** The last one; null: it does what it is asked. */
  #refusedAt: number | null = null

  /** `what` as the subject's object: "Redis refuses <what>". */
  constructor(what: string, log: StoreLog) {
    this.#what = what
    this.#log = log
  }

  refused(now: number, reason: string): void {
    if (this.#refusedAt === null)
      this.#log.warn(`Redis refuses ${this.#what} (${reason}): this process remembers alone meanwhile`)
    this.#refusedAt = now
  }

  granted(now: number): void {
    if (this.#refusedAt === null || now - this.#refusedAt < settled) return
    this.#refusedAt = null
    this.#log.info(`Redis takes ${this.#what} again`)
  }
}
