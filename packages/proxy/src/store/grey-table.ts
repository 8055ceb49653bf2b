import type { GreyTimes } from '@sallyport/rules'

interface Attempt {
  /** Of the first; null: it has come again in time. */
  readonly since: number | null
  readonly until: number
}

/** A bounded table of who has come when. Time is an argument, in wall-clock seconds; at the cap the one met least recently goes. */
export class GreyTable {
  private readonly capacity: number
  private readonly attempts = new Map<string, Attempt>()

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.attempts.size
  }

  meet(name: string, { delay, window, keep }: GreyTimes, now: number): number {
    const known = this.attempts.get(name)
    const before = known !== undefined && known.until > now ? known : null
    const since = before === null ? now : before.since
    const left = since === null ? 0 : Math.max(0, since + delay - now)
    if (left === 0) this.put(name, { since: null, until: now + keep })
    else this.put(name, before ?? { since, until: now + window })
    return left
  }

  private put(name: string, attempt: Attempt): void {
    this.attempts.delete(name)
    this.attempts.set(name, attempt)
    if (this.attempts.size <= this.capacity) return
    for (const oldest of this.attempts.keys()) {
      this.attempts.delete(oldest)
      return
    }
  }
}
