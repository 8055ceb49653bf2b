import { RateQueue } from './rate-queue.ts'
import { RateTable } from './rate-table.ts'
import { RateWaits } from './rate-waits.ts'
import type { Beyond, Counted, WallClock } from './store.ts'

/** Asks Redis to count; what is no answer says why there is none. */
export type RateQuestion = (
  place: string,
  counted: readonly Counted[],
) => Promise<{ readonly answer: Beyond | null } | string>

/**
 * Rates that are counted in Redis, at the cost of those who are let in: whoever is beyond a rate is answered here until he is not, and few
 * questions about one place are under way at once. While Redis is away this process counts alone.
 */
export class SharedRates {
  private readonly away: RateTable
  private readonly waits = new RateWaits()
  private readonly turns = new RateQueue()
  private readonly ask: RateQuestion
  private readonly now: WallClock
  private readonly clock: () => number

  /** `capacity`: the most names that this process counts while Redis is away. `ask` never rejects. */
  constructor(capacity: number, ask: RateQuestion, now: WallClock, clock: () => number) {
    this.away = new RateTable(capacity)
    this.ask = ask
    this.now = now
    this.clock = clock
  }

  async count(place: string, counted: readonly Counted[]): Promise<Beyond | null> {
    await this.turns.take(place)
    const beyond = this.waits.beyond(place, counted, this.clock()) ?? (await this.countThere(place, counted))
    this.turns.give(place)
    return beyond
  }

  /** What this process alone would say. */
  left(place: string, counted: readonly Counted[]): Beyond | null {
    return this.away.left(place, counted, this.now())
  }

  private async countThere(place: string, counted: readonly Counted[]): Promise<Beyond | null> {
    const sent = this.clock()
    const asked = await this.ask(place, counted)
    if (typeof asked === 'string') return this.away.count(place, counted, this.now())
    if (asked.answer !== null) this.waits.note(place, counted, asked.answer, sent)
    return asked.answer
  }
}
