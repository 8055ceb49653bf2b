import type { Coming, Places } from '@sallyport/proxy/store/leases/lease-book.js'
import { GreyTable } from '@sallyport/proxy/store/memory/grey-table.js'
import { RateTable } from '@sallyport/proxy/store/memory/rate-table.js'
import { Records } from '@sallyport/proxy/store/memory/records.js'
import type { Beyond, ClientRecord, Counted } from '@sallyport/proxy/store/store.js'
import type { GreyTimes, Lesson } from '@sallyport/rules'
import type { Clock } from './clock.ts'
import { OpenNetworks } from './open-networks.ts'

/** What a gate may ask of the server, each one command. */
export type Operation = 'recall' | 'remember' | 'greylist' | 'rate' | 'enter' | 'tell'

const capacity = 10_000_000

/** The one store of all gates: what Redis' scripts do, by the gate's own tables, which hold to the same contract (test/proxy/store/store.contract.ts). */
export class Server {
  isUp = true
  /** Commands that it has done. */
  readonly done: Record<Operation, number> = { recall: 0, remember: 0, greylist: 0, rate: 0, enter: 0, tell: 0 }
  private readonly clock: Clock
  private readonly records = new Records(capacity)
  private readonly grey = new GreyTable(capacity)
  private readonly open = new OpenNetworks()
  private readonly rates = new RateTable(capacity)

  constructor(clock: Clock) {
    this.clock = clock
  }

  recall(client: string): ClientRecord {
    this.done.recall++
    return this.records.recall(client, this.second)
  }

  /** The same as a lesson, for the copy of who asks. */
  lesson(client: string): Lesson {
    const known = this.records.take(client, this.second)
    if (known !== null) this.records.merge(client, known, this.second)
    return known ?? { passed: {}, failed: {} }
  }

  remember(client: string, lesson: Lesson): void {
    this.done.remember++
    this.records.remember(client, lesson, this.second)
  }

  greylist(name: string, times: GreyTimes): number {
    this.done.greylist++
    return this.grey.meet(name, times, this.second)
  }

  rate(place: string, counted: readonly Counted[]): Beyond | null {
    this.done.rate++
    return this.rates.count(place, counted, this.clock.now)
  }

  enter(gate: string, lease: number, coming: Coming): Places {
    this.done.enter++
    return this.open.enter(gate, lease, coming, this.clock.now)
  }

  tell(gate: string, lease: number, network: string, counts: readonly (string | number)[]): void {
    this.done.tell++
    this.open.tell(gate, lease, network, counts, this.clock.now)
  }

  private get second(): number {
    return Math.floor(this.clock.now)
  }
}
