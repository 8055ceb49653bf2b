import { BoundedMap, type GreyTimes } from '@sallyport/rules'

interface Attempt {
  /** Of the first; null: it has come again in time. */
  readonly since: number | null
  readonly until: number
}

/** A bounded table of who has come when. Time is an argument, in wall-clock seconds; at the cap the one met least recently goes. */
export class GreyTable {
  private readonly attempts: BoundedMap<string, Attempt>

  constructor(capacity: number) {
    this.attempts = new BoundedMap(capacity)
  }

  get size(): number {
    return this.attempts.size
  }

  /** Notes an attempt; gives the seconds that are left. */
  meet(name: string, times: GreyTimes, now: number): number {
    const { window, keep } = times
    const before = this.known(name, now)
    const since = before === null ? now : before.since
    const left = this.left(name, times, now)
    if (left === 0) this.attempts.set(name, { since: null, until: now + keep })
    else this.attempts.set(name, before ?? { since, until: now + window })
    return left
  }

  /** The same of one that is not noted. */
  left(name: string, { delay }: GreyTimes, now: number): number {
    const before = this.known(name, now)
    const since = before === null ? now : before.since
    return since === null ? 0 : Math.max(0, since + delay - now)
  }

  private known(name: string, now: number): Attempt | null {
    const known = this.attempts.get(name)
    return known !== undefined && known.until > now ? known : null
  }
}
