import { admit, type Rate } from '@sallyport/rules'

/** A bounded table of rates in this process. Time is an argument, in wall-clock seconds; at the cap the one met least recently goes. */
export class RateTable {
  private readonly capacity: number
  private readonly untils = new Map<string, number>()

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.untils.size
  }

  /** Seconds until the next will be within the rate; 0: this one is. */
  count(name: string, rate: Rate, now: number): number {
    const { wait, until } = admit(this.untils.get(name) ?? null, rate, now)
    this.untils.delete(name)
    this.untils.set(name, until)
    if (this.untils.size > this.capacity) {
      for (const oldest of this.untils.keys()) {
        this.untils.delete(oldest)
        break
      }
    }
    return wait
  }

  /** The same of one that is not counted. */
  left(name: string, rate: Rate, now: number): number {
    return admit(this.untils.get(name) ?? null, rate, now).wait
  }
}
