import { type GreyTimes, isBlock, type Lesson, mayBlock, noRepute, usualSuspectFrom } from '@sallyport/rules'
import type { Caps, Excess, Visitor } from '../../census.ts'
import { Leases } from '../leases/leases.ts'
import { Records } from '../memory/records.ts'
import { SharedRates } from '../rates/shared-rates.ts'
import { RedisClients, type RedisOptions, usualLease } from '../redis/redis.ts'
import { RedisNodes } from '../redis/redis-nodes.ts'
import {
  type Beyond,
  type BlockListener,
  type ClientRecord,
  type Counted,
  type Store,
  type StoreHealth,
  type StoreLog,
  type StoreWorld,
  type WallClock,
  type Weights,
  zeroCounters,
} from '../store.ts'
import { BlockChannel } from './block-channel.ts'
import { Doubts } from './doubts.ts'
import { Grace } from './grace.ts'
import { HotRecalls } from './hot-recalls.ts'
import { type Asked, Questions } from './questions.ts'
import { Unwritten } from './unwritten.ts'

function recordOf({ passed, failed, repute }: Lesson): ClientRecord {
  return { passed: Object.keys(passed), failed: Object.keys(failed), repute: repute ?? null }
}

/**
 * Clients remembered in Redis, for all gates that use it. When Redis is gone, this process' own copy answers, and mail flows.
 *
 * The copy holds what this gate has recalled and learnt, bounded like a memory store: without it the first minute of every
 * outage would make all known clients wait again. While Redis answers in time it is never read, only replaced by what Redis says. What
 * many ask for at once is answered here all the same, from what Redis has said within the second (hot-recalls.ts), and whoever is beyond a
 * rate until he is not (shared-rates.ts). Who is known here for good waits less than others (grace.ts), unless he was blocked (doubts.ts).
 *
 * A lesson is *unwritten* until Redis has confirmed it. A client with an unwritten lesson is answered from the copy, so that
 * a Redis that can be read but not written (a replica, one that is full) does not make this gate forget what it has just
 * learnt. When Redis takes writes again the unwritten lessons are written (unwritten.ts). Lessons may thus be written
 * late, and their checks twice, which adds up to the same (store.ts). Forgetting does not: a client forgotten while Redis is
 * gone is known again when Redis returns, which is why `forget` says so.
 *
 * Not taken: mixing the answers of Redis and of the copy (a client forgotten, or failed, at another gate would stay good here); answering from
 * the copy while Redis is well, to save everybody the round trip: gates would disagree for as long as it lived, not for a second of a hot name.
 */
export class SharedStore implements Store {
  readonly #redis: RedisClients
  readonly #nodes: RedisNodes
  readonly #questions: Questions
  readonly #copy: Records
  readonly #unwritten: Unwritten<number | null>
  readonly #rates: SharedRates
  readonly #leases: Leases
  readonly #hot = new HotRecalls()
  readonly #channel: BlockChannel
  #suspectFrom: number
  #listener: BlockListener | null = null
  readonly #log: StoreLog
  readonly #now: WallClock
  readonly #clock: () => number
  readonly #grace: Grace
  readonly #doubts = new Doubts()
  readonly #counters = zeroCounters()

  /** Begins to connect and returns; until Redis is there the copy answers. */
  constructor(options: RedisOptions, { log, now, clock = () => performance.now() }: StoreWorld) {
    this.#log = log
    this.#now = now
    this.#clock = clock
    this.#suspectFrom = options.suspectFrom ?? usualSuspectFrom
    this.#copy = new Records(options.clients, options.fading)
    this.#rates = new SharedRates(options.clients, (...asked) => this.#askRate(...asked), now, clock)
    this.#grace = new Grace(options.grace)
    this.#redis = new RedisClients(options, {
      ready: node => this.#nodes.ready(node),
      lost: (reason, node) => this.#nodes.lost(reason, node),
    })
    this.#nodes = new RedisNodes(this.#redis.connection, log)
    this.#questions = new Questions(this.#nodes, this.#grace, log)
    this.#channel = new BlockChannel(this.#redis, log, this.#counters, clock)
    const desk = {
      nodeOf: (client: string) => this.#redis.nodeOf(client),
      isAsked: (node: string) => this.#nodes.isAsked(node),
      write: (client: string, lesson: Lesson) =>
        this.#questions.ask('writes', this.#redis.nodeOf(client), () => this.#redis.remember(client, lesson)),
      told: (asked: Asked<number | null>, client: string, lesson: Lesson) => this.#written(asked, client, lesson),
      kept: (client: string, lesson: Lesson) => this.#kept(client, lesson),
    }
    this.#unwritten = new Unwritten(desk, options.clients, options.fading, now)
    this.#leases = new Leases(
      {
        enter: async coming => {
          const node = this.#redis.networkNodeOf(coming.network)
          if (this.#nodes.isSilent(node)) return 'unheard'
          const asked = await this.#questions.ask('writes', node, () => this.#redis.enter(coming))
          return typeof asked === 'object' ? asked.answer : 'unheard'
        },
        tell: async (network, counts) => {
          const node = this.#redis.networkNodeOf(network)
          return (
            typeof (await this.#questions.ask('writes', node, () => this.#redis.tell(network, counts))) === 'object'
          )
        },
      },
      options.lease ?? usualLease,
    )
  }

  get health(): StoreHealth {
    const up = this.#nodes.up && this.#redis.ready
    return { kind: 'redis', up, clients: this.#copy.size, ...this.#counters }
  }

  async recall(client: string, sake = client): Promise<ClientRecord> {
    if (this.#unwritten.waits(client) && !this.#doubts.has(client)) return this.#recallHere(client)
    const question = this.#hot.recall(client, this.#clock(), () => this.#askFor(client))
    const isSpared = this.#isSpared(client, sake)
    const node = this.#redis.nodeOf(client)
    const isSilent = this.#nodes.isSilent(node)
    const asked = isSilent ? null : await (isSpared ? this.#grace.answer(node, question) : question)
    if (asked === 'failed' || asked === 'refused') this.#counters.recallErrors++
    // A lesson that was learnt, or could not be written, while Redis was asked is newer than its answer.
    if (asked === null || typeof asked === 'string' || this.#unwritten.isOpen(client)) return this.#recallHere(client)
    this.#counters.recalls++
    return asked.answer
  }

  remember(client: string, lesson: Lesson): void {
    this.#copy.remember(client, lesson, this.#now())
    this.#hot.drop(client)
    this.#unwritten.learn(client, lesson)
  }

  async greylist(name: string, times: GreyTimes): Promise<number | null> {
    const node = this.#redis.greyNodeOf(name)
    const question = this.#questions.ask('writes', node, () => this.#redis.greylist(name, times))
    const asked = this.#nodes.isSilent(node) ? null : await question
    // Gates that each remember alone would defer the same message one after another.
    return asked !== null && typeof asked === 'object' ? asked.answer : null
  }

  rate(scope: string, counted: readonly Counted[], sake?: string): Promise<Beyond | null> {
    const node = this.#redis.rateNodeOf(scope)
    const isSpared = sake !== undefined && this.#isSpared(scope, sake)
    return this.#rates.count(scope, counted, async question => {
      if (this.#nodes.isSilent(node)) return null
      return isSpared ? this.#grace.answerInTurn(node, question) : question
    })
  }

  enter(visitor: Visitor, caps: Caps): Promise<Excess | null> {
    return this.#leases.enter(visitor, caps)
  }

  spare(network: string, question: Promise<void>): Promise<unknown> {
    return this.#grace.answerInTurn(this.#redis.networkNodeOf(network), question)
  }

  leave(visitor: Visitor): void {
    this.#leases.leave(visitor)
  }

  async greylistLeft(name: string, times: GreyTimes): Promise<number | null> {
    const asked = await this.#questions.ask('reads', this.#redis.greyNodeOf(name), () =>
      this.#redis.greylistLeft(name, times),
    )
    return typeof asked === 'object' ? asked.answer : null
  }

  async rateLeft(scope: string, counted: readonly Counted[]): Promise<Beyond | null> {
    const asked = await this.#questions.ask('reads', this.#redis.rateNodeOf(scope), () =>
      this.#redis.rateLeft(scope, counted),
    )
    return typeof asked === 'object' ? asked.answer : this.#rates.left(scope, counted)
  }

  renew({ fading, suspectFrom }: Weights): void {
    this.#redis.fading = fading
    this.#copy.fading = fading
    this.#unwritten.renew(fading)
    this.#suspectFrom = suspectFrom
  }

  onBlock(listener: BlockListener): void {
    this.#listener = listener
    this.#channel.listen(names => {
      for (const name of names) this.#doubt(name)
      listener(names)
    })
  }

  async forget(client: string): Promise<boolean> {
    this.#copy.forget(client)
    this.#unwritten.forget(client)
    this.#hot.drop(client)
    const asked = await this.#questions.ask('writes', this.#redis.nodeOf(client), () => this.#redis.forget(client))
    // A recall that was on its way may have brought it back.
    this.#copy.forget(client)
    return typeof asked === 'object'
  }

  async close(): Promise<void> {
    this.#nodes.close()
    this.#leases.close()
    const lost = await this.#unwritten.close()
    this.#channel.close()
    await this.#redis.close()
    if (lost > 0) this.#log.warn(`what was learnt of ${lost} clients while Redis was away is lost`)
  }

  #recallHere(client: string): ClientRecord {
    this.#counters.recalls++
    this.#counters.fallbacks++
    const record = this.#copy.recall(client, this.#now())
    if (!this.#doubts.has(client)) return record
    return { ...record, passed: [], repute: (record.repute?.score ?? 0) > 0 ? record.repute : null }
  }

  /** Whether the answer about a name is waited for no longer than good clients should, for the sake of one. */
  #isSpared(name: string, sake: string): boolean {
    return this.#copy.isGood(sake, this.#now()) && !this.#doubts.has(name) && !this.#doubts.has(sake)
  }

  /** A name was blocked: what was known of it before is not believed. */
  #doubt(name: string): void {
    this.#doubts.add(name)
    this.#hot.drop(name)
  }

  #askRate(scope: string, counted: readonly Counted[]): Promise<Asked<Beyond | null>> {
    return this.#questions.ask('writes', this.#redis.rateNodeOf(scope), () => this.#redis.rate(scope, counted))
  }

  /** What is said of a lesson that was written: the score that the client came to; null: the key is not ours, and it can never be written. */
  #written(asked: Asked<number | null>, client: string, lesson: Lesson): void {
    if (asked === 'not asked') return
    if (typeof asked === 'string' || asked.answer === null) return void this.#counters.rememberErrors++
    this.#counters.remembers++
    if (!isBlock(client, lesson, asked.answer, this.#suspectFrom)) return
    this.#doubt(client)
    this.#listener?.([client])
    this.#channel.tell(client)
  }

  /** A lesson cannot be written now: sessions of this gate need not wait until it is, and hear of it by what is known here. */
  #kept(client: string, lesson: Lesson): void {
    if (this.#listener === null || !mayBlock(lesson)) return
    const { repute } = this.#copy.recall(client, this.#now())
    if (isBlock(client, lesson, repute?.score ?? 0, this.#suspectFrom)) this.#listener([client])
  }

  /** What Redis says of a client, which takes the place of what was known here. */
  async #askFor(client: string): Promise<Asked<ClientRecord>> {
    const answered = this.#doubts.asked(client)
    const asked = await this.#questions.ask('reads', this.#redis.nodeOf(client), () => this.#redis.recall(client))
    if (typeof asked === 'string') return asked
    if (!this.#unwritten.isOpen(client)) this.#copy.replace(client, asked.answer, this.#now())
    else if (this.#doubts.has(client)) this.#keepAgainst(client, asked.answer)
    answered()
    return { answer: recordOf(asked.answer) }
  }

  /** What Redis has against a client that was blocked, beside what was learnt here and is not written yet. */
  #keepAgainst(client: string, { failed, repute }: Lesson): void {
    const now = this.#now()
    const score = (repute?.score ?? 0) - (this.#copy.recall(client, now).repute?.score ?? 0)
    const added = score > 0 ? { repute: { ...noRepute, score } } : {}
    this.#copy.merge(client, { passed: {}, failed, ...added }, now)
  }
}
