import { RateTable } from '../memory/rate-table.ts'
import type { Beyond, Counted, WallClock } from '../store.ts'
import { RateQueue } from './rate-queue.ts'
import { RateWaits } from './rate-waits.ts'

/** Asks Redis to count; what is no answer says why there is none. */
export type RateQuestion = (scope: string, counted: readonly Counted[]) => Promise<RateAnswer | string>

interface RateAnswer {
  readonly answer: Beyond | null
}

/** Waits for an answer as long as somebody should; null: it is late. */
type RateWait = <Answer>(question: Promise<Answer>) => Promise<Answer | null>

const toTheEnd: RateWait = question => question

/**
 * Rates that are counted in Redis, at the cost of those who are let in: whoever is beyond a rate is answered here until he is not, and few
 * questions about one scope are under way at once. While Redis is away this process counts alone; also for one who does not wait, and
 * whose turn does not come (rate-queue.ts).
 */
export class SharedRates {
  private readonly away: RateTable
  private readonly waits = new RateWaits()
  private readonly queue = new RateQueue()
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

  /** Who does not wait to the end is asked for all the same, so that he is counted there, too. */
  async count(scope: string, counted: readonly Counted[], wait: RateWait = toTheEnd): Promise<Beyond | null> {
    const asked = await wait(this.countInTurn(scope, counted))
    if (asked !== null && typeof asked === 'object') return asked.answer
    return this.waits.beyond(scope, counted, this.clock()) ?? this.away.count(scope, counted, this.now())
  }

  /** What this process alone would say. */
  left(scope: string, counted: readonly Counted[]): Beyond | null {
    return this.away.left(scope, counted, this.now())
  }

  private async countInTurn(scope: string, counted: readonly Counted[]): Promise<RateAnswer | string> {
    if (!(await this.queue.take(scope, this.clock()))) return 'no turn'
    const answer = this.waits.beyond(scope, counted, this.clock())
    const asked = answer === null ? await this.countThere(scope, counted) : { answer }
    this.queue.give(scope, this.clock())
    return asked
  }

  private async countThere(scope: string, counted: readonly Counted[]): Promise<RateAnswer | string> {
    const sent = this.clock()
    const asked = await this.ask(scope, counted)
    if (typeof asked === 'object' && asked.answer !== null) this.waits.note(scope, counted, asked.answer, sent)
    return asked
  }
}
