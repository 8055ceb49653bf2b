/** Questions about one scope that may be under way at once; the others wait for their answers, and as a rule need not be asked then. */
export const mostUnderWay = 16

/** Who has waited so long for his turn, ms, is not asked for at all: he is told so when the next turn is given, which is after one question at most. */
export const longestTurnWait = 1_000

interface Waiting {
  readonly since: number
  readonly resolve: (hasTurn: boolean) => void
}

interface Queue {
  underWay: number
  readonly waiting: Waiting[]
}

/**
 * Who may ask about a scope: in the order in which they came, a few at a time. Time is an argument, in ms on a clock that only goes forward.
 *
 * Not taken: a timer for each that waits; a length, which says nothing of how long it takes.
 */
export class RateQueue {
  private readonly queues = new Map<string, Queue>()

  /** Resolves when it is one's turn, which must be given back; false: it has taken too long, and there is none. */
  take(scope: string, now: number): Promise<boolean> {
    let queue = this.queues.get(scope)
    if (queue === undefined) {
      queue = { underWay: 0, waiting: [] }
      this.queues.set(scope, queue)
    }
    if (queue.underWay < mostUnderWay) {
      queue.underWay++
      return Promise.resolve(true)
    }
    const { waiting } = queue
    return new Promise(resolve => waiting.push({ since: now, resolve }))
  }

  give(scope: string, now: number): void {
    const queue = this.queues.get(scope)
    if (queue === undefined) return
    let next = queue.waiting.shift()
    for (; next !== undefined && now - next.since > longestTurnWait; next = queue.waiting.shift()) next.resolve(false)
    if (next !== undefined) next.resolve(true)
    else if (--queue.underWay === 0) this.queues.delete(scope)
  }
}
