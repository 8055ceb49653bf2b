import { BoundedMap } from '@sallyport/rules'
import type { Beyond, Counted } from '../store.ts'

/** Names that are known to be beyond their rate; at the cap the one noted first goes, and is asked for again. */
export const mostWaits = 10_000

/**
 * Who is beyond a rate, and until when: answered here until then, so that a flood from one network costs the store as many questions as
 * connections are let in. The answer is the one that the store would give: who is beyond a rate does not count, so whatever others do
 * meanwhile can only prolong the wait. Time is an argument, in ms on a clock that only goes forward.
 */
export class RateWaits {
  private readonly untils = new BoundedMap<string, number>(mostWaits)

  /** The first of the names that is known to be beyond its rate; null: none is. */
  beyond(scope: string, counted: readonly Counted[], now: number): Beyond | null {
    if (this.untils.size === 0) return null
    for (const one of counted) {
      const key = keyOf(scope, one)
      const wait = (this.untils.get(key) ?? now) - now
      if (wait > 0) return { name: one.name, wait: wait / 1000 }
      this.untils.delete(key)
    }
    return null
  }

  /** The store has said so. `asked`: when it was asked, so that nobody waits here for longer than there. */
  note(scope: string, counted: readonly Counted[], { name, wait }: Beyond, asked: number): void {
    const one = counted.find(each => each.name === name)
    if (one === undefined) return
    const key = keyOf(scope, one)
    this.untils.set(key, asked + wait * 1000)
  }
}

/** With the rate: after a reload it may be another, and then is asked for anew. */
const keyOf = (scope: string, { name, rate: { count, period } }: Counted): string =>
  `${scope} ${name} ${count}/${period}`
