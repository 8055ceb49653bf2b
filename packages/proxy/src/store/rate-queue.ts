/** Questions about one place that may be under way at once; the others wait for their answers, and as a rule need not be asked then. */
export const mostUnderWay = 16

interface Queue {
  underWay: number
  readonly waiting: (() => void)[]
}

/** Who may ask about a place: in the order in which they came, a few at a time. */
export class RateQueue {
  private readonly queues = new Map<string, Queue>()

  /** Resolves when it is one's turn; it must be given back. */
  take(place: string): Promise<void> {
    let queue = this.queues.get(place)
    if (queue === undefined) {
      queue = { underWay: 0, waiting: [] }
      this.queues.set(place, queue)
    }
    if (queue.underWay < mostUnderWay) {
      queue.underWay++
      return Promise.resolve()
    }
    const { waiting } = queue
    return new Promise(resolve => waiting.push(resolve))
  }

  give(place: string): void {
    const queue = this.queues.get(place)
    if (queue === undefined) return
    const next = queue.waiting.shift()
    if (next !== undefined) next()
    else if (--queue.underWay === 0) this.queues.delete(place)
  }
}
