import type { Rate } from '@sallyport/rules'
import type { Clock } from './clock.ts'
import type { RateWitness } from './gate.ts'

/** The connections of one name that were let in, in the order of time. */
class Stream {
  admitted = 0
  /** By how much any span of time had more of them than the rate allows. */
  excess = 0
  private readonly rate: Rate
  private least = Number.POSITIVE_INFINITY

  constructor(rate: Rate) {
    this.rate = rate
  }

  /** Of any two moments: so many between them, less those that the rate lets in at once and in that time. */
  admit(now: number): void {
    const { count, period } = this.rate
    const due = (now * count) / period
    this.least = Math.min(this.least, this.admitted - due)
    this.admitted++
    this.excess = Math.max(this.excess, this.admitted - due - this.least - count)
  }
}

/** Watches at all gates together how many connections were let in under each name: the rate must hold over every span of time. */
export class Flow {
  mostInFlight = 0
  admittedAway = 0
  windows = 0
  private readonly rates: { readonly address: Rate; readonly network: Rate }
  private readonly streams = { address: new Map<string, Stream>(), network: new Map<string, Stream>() }
  private readonly inFlight = new Map<string, number>()
  private readonly away = new Map<string, number>()

  constructor({
    address,
    network,
    period,
  }: { readonly address: number; readonly network: number; readonly period: number }) {
    this.rates = { address: { count: address, period }, network: { count: network, period } }
  }

  /** `isAway`: the store does not answer, and each gate counts alone. */
  witness(clock: Clock, isAway: () => boolean): RateWitness {
    return {
      asks: client => {
        const count = (this.inFlight.get(client) ?? 0) + 1
        this.inFlight.set(client, count)
        this.mostInFlight = Math.max(this.mostInFlight, count)
      },
      told: (client, network, isIn) => {
        const left = (this.inFlight.get(client) ?? 1) - 1
        if (left > 0) this.inFlight.set(client, left)
        else this.inFlight.delete(client)
        if (!isIn) return
        this.windows++
        if (isAway()) return this.countAway(client)
        this.streamOf('address', client).admit(clock.now)
        this.streamOf('network', network).admit(clock.now)
      },
    }
  }

  /** The most that any name was above its rate, over any span of time; below 0: never. */
  excess(what: 'address' | 'network'): number {
    return Math.max(0, ...[...this.streams[what].values()].map(({ excess }) => excess))
  }

  private countAway(client: string): void {
    const count = (this.away.get(client) ?? 0) + 1
    this.away.set(client, count)
    this.admittedAway = Math.max(this.admittedAway, count)
  }

  private streamOf(what: 'address' | 'network', name: string): Stream {
    const stream = this.streams[what].get(name) ?? new Stream(this.rates[what])
    this.streams[what].set(name, stream)
    return stream
  }
}
