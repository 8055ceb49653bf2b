import { type GreyTimes, isBlock, type Lesson, usualSuspectFrom } from '@sallyport/rules'
import type { Caps, Excess, Visitor } from '../census.ts'
import { BlockChannel } from './block-channel.ts'
import { Grace } from './grace.ts'
import { HotRecalls } from './hot-recalls.ts'
import { Leases } from './leases.ts'
import { Records } from './records.ts'
import { RedisClients, type RedisOptions, usualLease } from './redis.ts'
import { isRefusal } from './redis-connection.ts'
import { RedisNodes } from './redis-nodes.ts'
import { Refusal } from './refusal.ts'
import { SharedRates } from './shared-rates.ts'
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
  zeroCounters,
} from './store.ts'
import { type Asked, Unwritten } from './unwritten.ts'

const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function recordOf({ passed, failed, repute }: Lesson): ClientRecord {
  return { passed: Object.keys(passed), failed: Object.keys(failed), repute: repute ?? null }
}

/**
 * Clients remembered in Redis, for all gates that use it. When Redis is gone, this process' own copy answers, and mail flows.
 *
 * The copy holds what this gate has recalled and learnt, bounded like a memory store: without it the first minute of every
 * outage would make all known clients wait again. While Redis answers in time it is never read, only replaced by what Redis says. What
 * many ask for at once is answered here all the same, from what Redis has said within the second (hot-recalls.ts), and whoever is beyond a
 * rate until he is not (shared-rates.ts).
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
  readonly #copy: Records
  readonly #unwritten: Unwritten<number | null>
  readonly #rates: SharedRates
  readonly #leases: Leases
  readonly #refusals: { readonly reads: Refusal; readonly writes: Refusal }
  readonly #hot = new HotRecalls()
  readonly #channel: BlockChannel
  readonly #suspectFrom: number
  #listener: BlockListener | null = null
  readonly #log: StoreLog
  readonly #now: WallClock
  readonly #clock: () => number
  readonly #grace: Grace
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
    this.#refusals = { reads: new Refusal('reads', log), writes: new Refusal('writes', log) }
    this.#redis = new RedisClients(options, {
      ready: node => this.#nodes.ready(node),
      lost: (reason, node) => this.#nodes.lost(reason, node),
    })
    this.#nodes = new RedisNodes(this.#redis.connection, log)
    this.#channel = new BlockChannel(this.#redis, log, this.#counters, clock)
    const desk = {
      nodeOf: (client: string) => this.#redis.nodeOf(client),
      isAsked: (node: string) => this.#nodes.isAsked(node),
      write: (client: string, lesson: Lesson) =>
        this.#ask('writes', this.#redis.nodeOf(client), () => this.#redis.remember(client, lesson)),
      told: (asked: Asked<number | null>, client: string, lesson: Lesson) => this.#written(asked, client, lesson),
    }
    this.#unwritten = new Unwritten(desk, options.clients, options.fading, now)
    this.#leases = new Leases(
      {
        enter: async (visitor, held, caps) => {
          const node = this.#redis.networkNodeOf(visitor.network)
          const asked = await this.#ask('writes', node, () => this.#redis.enter(visitor, held, caps))
          return typeof asked === 'object' ? asked.answer : 'unheard'
        },
        hold: async (network, counts) => {
          const node = this.#redis.networkNodeOf(network)
          return typeof (await this.#ask('writes', node, () => this.#redis.hold(network, counts))) === 'object'
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
    if (this.#unwritten.waits(client)) return this.#recallHere(client)
    const question = this.#hot.recall(client, this.#clock(), () => this.#askFor(client))
    const isKnown = this.#copy.isGood(sake, this.#now())
    const record = await (isKnown ? this.#grace.answer(this.#redis.nodeOf(client), question) : question)
    // A lesson that was learnt, or could not be written, while Redis was asked is newer than its answer.
    if (record === null || this.#unwritten.isOpen(client)) return this.#recallHere(client)
    this.#counters.recalls++
    return record
  }

  remember(client: string, lesson: Lesson): void {
    this.#copy.remember(client, lesson, this.#now())
    this.#hot.drop(client)
    this.#unwritten.learn(client, lesson)
  }

  async greylist(name: string, times: GreyTimes): Promise<number | null> {
    const asked = await this.#ask('writes', this.#redis.greyNodeOf(name), () => this.#redis.greylist(name, times))
    // Gates that each remember alone would defer the same message one after another.
    return typeof asked === 'object' ? asked.answer : null
  }

  rate(place: string, counted: readonly Counted[]): Promise<Beyond | null> {
    return this.#rates.count(place, counted)
  }

  enter(visitor: Visitor, caps: Caps): Promise<Excess | null> {
    return this.#leases.enter(visitor, caps)
  }

  leave(visitor: Visitor): void {
    this.#leases.leave(visitor)
  }

  async greylistLeft(name: string, times: GreyTimes): Promise<number | null> {
    const asked = await this.#ask('reads', this.#redis.greyNodeOf(name), () => this.#redis.greylistLeft(name, times))
    return typeof asked === 'object' ? asked.answer : null
  }

  async rateLeft(place: string, counted: readonly Counted[]): Promise<Beyond | null> {
    const asked = await this.#ask('reads', this.#redis.rateNodeOf(place), () => this.#redis.rateLeft(place, counted))
    return typeof asked === 'object' ? asked.answer : this.#rates.left(place, counted)
  }

  onBlock(listener: BlockListener): void {
    this.#listener = listener
    this.#channel.listen(names => {
      for (const name of names) {
        this.#hot.drop(name)
        // Or a gate whose Redis is late would go on believing the good it knows.
        this.#copy.forget(name)
      }
      listener(names)
    })
  }

  async forget(client: string): Promise<boolean> {
    this.#copy.forget(client)
    this.#unwritten.forget(client)
    this.#hot.drop(client)
    return typeof (await this.#ask('writes', this.#redis.nodeOf(client), () => this.#redis.forget(client))) === 'object'
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
    return this.#copy.recall(client, this.#now())
  }

  #askRate(place: string, counted: readonly Counted[]): Promise<Asked<Beyond | null>> {
    return this.#ask('writes', this.#redis.rateNodeOf(place), () => this.#redis.rate(place, counted))
  }

  /** What is said of a lesson that was written: the score that the client came to; null: the key is not ours, and it can never be written. */
  #written(asked: Asked<number | null>, client: string, lesson: Lesson): void {
    if (asked === 'not asked') return
    if (typeof asked === 'string' || asked.answer === null) return void this.#counters.rememberErrors++
    this.#counters.remembers++
    if (!isBlock(client, lesson, asked.answer, this.#suspectFrom)) return
    this.#listener?.([client])
    this.#channel.tell(client)
  }

  /** What Redis says of a client; null: nothing. */
  async #askFor(client: string): Promise<ClientRecord | null> {
    const asked = await this.#ask('reads', this.#redis.nodeOf(client), () => this.#redis.recall(client))
    if (asked === 'failed' || asked === 'refused') this.#counters.recallErrors++
    if (typeof asked === 'string') return null
    if (!this.#unwritten.isOpen(client)) this.#copy.replace(client, asked.answer, this.#now())
    return recordOf(asked.answer)
  }

  /** Asks a node of Redis if it is worth asking. Never rejects. */
  async #ask<Answer>(what: 'reads' | 'writes', node: string, command: () => Promise<Answer>): Promise<Asked<Answer>> {
    const breaker = this.#nodes.take(node)
    if (breaker === null) return 'not asked'
    const begun = performance.now()
    try {
      const answer = await command()
      breaker.succeeded()
      this.#grace.answered(node, performance.now() - begun)
      this.#refusals[what].granted(performance.now())
      return { answer }
    } catch (error) {
      if (isRefusal(error)) {
        breaker.succeeded()
        this.#refusals[what].refused(performance.now(), errorText(error))
        return 'refused'
      }
      breaker.failed(performance.now(), errorText(error))
      return 'failed'
    }
  }
}
