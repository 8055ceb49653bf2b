/** Virtual time in seconds, with their fractions: what is due is done in its order, and time passes only between. */
export class Clock {
  now: number
  private readonly heap: { readonly at: number; readonly number: number; readonly go: () => void }[] = []
  private number = 0

  constructor(start: number) {
    this.now = start
  }

  /** Does it so many seconds from now; of what is due at one instant, what was said first comes first. */
  after(seconds: number, go: () => void): void {
    const { heap } = this
    const due = { at: this.now + seconds, number: this.number++, go }
    let i = heap.push(due) - 1
    while (i > 0) {
      const up = (i - 1) >> 1
      const above = heap[up]
      if (above === undefined || isBefore(above, due)) break
      heap[i] = above
      i = up
    }
    heap[i] = due
  }

  wait(seconds: number): Promise<void> {
    return new Promise(resolve => this.after(seconds, resolve))
  }

  /** Until nothing is due before `end`. Between two instants everything that was awaited goes on as far as it can: a tick comes behind all promises. */
  async run(end: number): Promise<void> {
    for (let [next] = this.heap; next !== undefined && next.at <= end; [next] = this.heap) {
      this.pop()
      this.now = next.at
      next.go()
      await new Promise(resolve => process.nextTick(resolve))
    }
    this.now = end
  }

  private pop(): void {
    const { heap } = this
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let i = 0
    for (;;) {
      const [left, right] = [heap[2 * i + 1], heap[2 * i + 2]]
      if (left === undefined) break
      const isRight = right !== undefined && isBefore(right, left)
      const least = isRight ? right : left
      if (isBefore(last, least)) break
      heap[i] = least
      i = 2 * i + (isRight ? 2 : 1)
    }
    heap[i] = last
  }
}

interface Due {
  readonly at: number
  readonly number: number
}

const isBefore = (one: Due, other: Due): boolean =>
  one.at < other.at || (one.at === other.at && one.number < other.number)
