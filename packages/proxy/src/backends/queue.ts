import { type Instant, never } from '@sallyport/rules'

/** Who waits for something, first come, first served: a bounded number of them, each for a bounded time. */
export class Queue<Waiter> {
  private readonly length: number
  private readonly wait: number
  /** In the order they came, with the instant at which each has waited long enough. */
  private readonly waiters = new Map<Waiter, Instant>()

  /** At most `length` waiters, each for `wait` ms. */
  constructor(length: number, wait: number) {
    this.length = length
    this.wait = wait
  }

  get size(): number {
    return this.waiters.size
  }

  /** When the first of them has waited long enough; all wait equally long, so that no other is earlier. */
  get due(): Instant {
    const [first] = this.waiters.values()
    return first ?? never
  }

  /** False: there is no place left. */
  join(waiter: Waiter, now: Instant): boolean {
    if (this.waiters.size >= this.length) return false
    this.waiters.set(waiter, now + this.wait)
    return true
  }

  /** False: it did not wait. */
  leave(waiter: Waiter): boolean {
    return this.waiters.delete(waiter)
  }

  /** Takes out one that has waited long enough; null: there is none. */
  expired(now: Instant): Waiter | null {
    for (const [waiter, due] of this.waiters) {
      if (due > now) return null
      this.waiters.delete(waiter)
      return waiter
    }
    return null
  }

  /** In the order they came. */
  [Symbol.iterator](): Iterator<Waiter> {
    return this.waiters.keys()
  }
}
