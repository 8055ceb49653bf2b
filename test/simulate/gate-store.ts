import type { Caps, Excess, Visitor } from '@sallyport/proxy/census.js'
import { LeaseBook, turn } from '@sallyport/proxy/store/leases/lease-book.js'
import { Records } from '@sallyport/proxy/store/memory/records.js'
import { type RateQuestion, SharedRates } from '@sallyport/proxy/store/rates/shared-rates.js'
import { Breaker, breakerLimits } from '@sallyport/proxy/store/redis/breaker.js'
import type { Asked } from '@sallyport/proxy/store/shared/questions.js'
import { Unwritten } from '@sallyport/proxy/store/shared/unwritten.js'
import {
  type Beyond,
  type ClientRecord,
  type Counted,
  type Store,
  type StoreHealth,
  zeroCounters,
} from '@sallyport/proxy/store/store.js'
import type { GreyTimes, Lesson } from '@sallyport/rules'
import type { Clock } from './clock.ts'
import type { Dice } from './dice.ts'
import type { Server } from './server.ts'

/** `store.command_wait`, s. */
const commandWait = 0.05
/** `store.clients`. */
const clients = 100_000
/** Seconds that what a gate holds is counted after its last word; the default of the configuration. */
const lease = 30
/** Turns of renewal in a second, here taken together. */
const turns = 1000 / turn
/** Gates that there have been. */
let born = 0
/** Seconds that a command takes to the server, and its answer back. */
const [nearest, farthest] = [0.0001, 0.001]

/**
 * One gate's way to the server, as store/shared/shared.ts goes it: its breaker, its copy, and as they are there what is unwritten and
 * how it is written back; without its short ways, which are answers that many
 * ask for at once, the grace of good clients, and blocks told between gates. That one cannot run here, as its timers and
 * sockets are real; what it does in trouble is held against real servers (test/proxy/store), and this against what it promises.
 */
export class GateStore implements Store {
  /** Clients of whom a lesson about their mail was sent and not answered: it is not written again (store/shared/unwritten.ts). */
  readonly inDoubt = new Set<string>()
  /** The most commands that were on their way at once. */
  mostOutstanding = 0
  private readonly clock: Clock
  private readonly dice: Dice
  private readonly server: Server
  private readonly breaker = new Breaker(breakerLimits, () => this.probeLater())
  private readonly copy = new Records(clients)
  private readonly unwritten: Unwritten<boolean>
  private readonly rates: SharedRates
  private readonly book: LeaseBook
  private renews = false

  constructor(clock: Clock, dice: Dice, server: Server) {
    this.clock = clock
    this.dice = dice
    this.server = server
    const askRate: RateQuestion = async (place, counted) =>
      (await this.ask(() => ({ answer: server.rate(place, counted) }))) ?? 'failed'
    this.rates = new SharedRates(
      clients,
      askRate,
      () => clock.now,
      () => this.milliseconds,
    )
    const desk = {
      nodeOf: () => '',
      isAsked: () => this.breaker.up,
      write: (client: string, lesson: Lesson) => this.write(client, lesson),
      told: () => undefined,
      kept: () => undefined,
    }
    const time = { now: () => this.milliseconds, wait: (ms: number) => clock.wait(ms / 1000) }
    this.unwritten = new Unwritten(desk, clients, undefined, () => this.second, time)
    const name = `gate${born++}`
    this.book = new LeaseBook(
      {
        enter: async coming => (await this.ask(() => server.enter(name, lease, coming))) ?? 'unheard',
        tell: async (network, counts) => {
          const asked = await this.ask(() => {
            server.tell(name, lease, network, counts)
            return true
          })
          return asked !== null
        },
      },
      lease * 1000,
      () => clock.after(0, () => this.book.flush(this.milliseconds)),
    )
  }

  get isUp(): boolean {
    return this.breaker.up
  }

  /** Clients whose lessons the server has not been told. */
  get left(): number {
    return this.unwritten.open
  }

  get health(): StoreHealth {
    return { kind: 'redis', up: this.breaker.up, clients: this.copy.size, ...zeroCounters() }
  }

  async recall(client: string): Promise<ClientRecord> {
    if (this.unwritten.waits(client)) return this.copy.recall(client, this.second)
    const asked = await this.ask(() => ({ record: this.server.recall(client), lesson: this.server.lesson(client) }))
    if (asked === null || this.unwritten.isOpen(client)) return this.copy.recall(client, this.second)
    this.copy.replace(client, asked.lesson, this.second)
    return asked.record
  }

  remember(client: string, lesson: Lesson): void {
    this.copy.remember(client, lesson, this.second)
    this.unwritten.learn(client, lesson)
  }

  greylist(name: string, times: GreyTimes): Promise<number | null> {
    return this.ask(() => this.server.greylist(name, times))
  }

  rate(place: string, counted: readonly Counted[]): Promise<Beyond | null> {
    return this.rates.count(place, counted)
  }

  enter(visitor: Visitor, caps: Caps): Promise<Excess | null> {
    this.renewLater()
    return this.book.enter(visitor, caps, this.milliseconds)
  }

  spare(_network: string, question: Promise<void>): Promise<void> {
    return question
  }

  leave(visitor: Visitor): void {
    this.book.leave(visitor)
  }

  greylistLeft(): Promise<null> {
    return Promise.resolve(null)
  }

  rateLeft(): Promise<null> {
    return Promise.resolve(null)
  }

  renew(): void {}

  onBlock(): void {}

  forget(): Promise<boolean> {
    return Promise.resolve(false)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  private get second(): number {
    return Math.floor(this.clock.now)
  }

  private get milliseconds(): number {
    return this.clock.now * 1000
  }

  /** null: the server did not answer, or was not asked. */
  private async ask<Answer>(command: () => Answer): Promise<Answer | null> {
    if (!this.breaker.take()) return null
    this.mostOutstanding = Math.max(this.mostOutstanding, this.breaker.outstanding)
    const answer = await this.sent(command)
    if (answer === null) this.breaker.failed(this.milliseconds, 'no answer')
    else this.breaker.succeeded()
    return answer
  }

  private async sent<Answer>(command: () => Answer): Promise<Answer | null> {
    const there = this.dice.between(nearest, farthest)
    await this.clock.wait(there)
    if (!this.server.isUp) {
      await this.clock.wait(commandWait - there)
      return null
    }
    const answer = command()
    await this.clock.wait(this.dice.between(nearest, farthest))
    return answer
  }

  private renewLater(): void {
    if (this.renews) return
    this.renews = true
    this.clock.after(1, () => {
      this.renews = false
      for (let turn = 0; turn < turns; turn++) this.book.renew(this.milliseconds)
      if (this.book.size > 0) this.renewLater()
    })
  }

  private async write(client: string, lesson: Lesson): Promise<Asked<boolean>> {
    if (!this.breaker.up) return 'not asked'
    const answer = await this.ask(() => {
      this.server.remember(client, lesson)
      return true
    })
    if (answer !== null) return { answer }
    if (lesson.repute !== undefined) this.inDoubt.add(client)
    return 'failed'
  }

  private probeLater(): void {
    if (this.breaker.up) return
    this.clock.after(Math.max(0, this.breaker.probeAt / 1000 - this.clock.now) + 1e-6, () => void this.probe())
  }

  private async probe(): Promise<void> {
    if (!this.breaker.probe(this.milliseconds)) return
    if ((await this.sent(() => true)) === true) this.breaker.restored()
    else {
      this.breaker.probeFailed(this.milliseconds)
      this.probeLater()
    }
  }
}
