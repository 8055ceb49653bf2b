import { admit, BoundedMap } from '@sallyport/rules'
import type { Beyond, Counted } from '../store.ts'

/** A bounded table of rates in this process. Time is an argument, in wall-clock seconds; at the cap the one met least recently goes. */
export class RateTable {
  private readonly untils: BoundedMap<string, number>

  constructor(capacity: number) {
    this.untils = new BoundedMap(capacity)
  }

  get size(): number {
    return this.untils.size
  }

  /** Counts one more under each name, unless it is beyond the rate of one of them: the first of these. */
  count(scope: string, counted: readonly Counted[], now: number): Beyond | null {
    const beyond = this.left(scope, counted, now)
    if (beyond !== null) return beyond
    for (const { name, rate } of counted)
      this.untils.set(keyOf(scope, name), admit(this.until(scope, name), rate, now).until)
    return null
  }

  /** The same of one that is not counted. */
  left(scope: string, counted: readonly Counted[], now: number): Beyond | null {
    for (const { name, rate } of counted) {
      const { wait } = admit(this.until(scope, name), rate, now)
      if (wait > 0) return { name, wait }
    }
    return null
  }

  private until(scope: string, name: string): number | null {
    return this.untils.get(keyOf(scope, name)) ?? null
  }
}

const keyOf = (scope: string, name: string): string => `${scope} ${name}`
