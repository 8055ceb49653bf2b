import { type GreyTimes, isBlock, type Lesson, usualSuspectFrom } from '@sallyport/rules'
import type { Caps, Excess, Visitor } from '../census.ts'
import { Events } from './events.ts'
import { HotRates } from './hot-rates.ts'
import { HotRecalls } from './hot-recalls.ts'
import { Leases } from './leases.ts'
import { Records } from './records.ts'
import { RedisClients, type RedisOptions, usualLease } from './redis.ts'
import { isRefusal } from './redis-connection.ts'
import { RedisNodes } from './redis-nodes.ts'
import { Refusal } from './refusal.ts'
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

/** Clients whose lessons wait to be written; beyond it the one taught least recently is given up (it stays known here). */
const mostUnwritten = 1000
/** Clients written at a time when Redis is back. */
const batch = 50
/** While anything is unwritten, a write is tried so often, in ms, though nothing new is learnt. */
const retryWait = 2000

/** What came of asking Redis; `refused`: it said no; `failed`: it did not say in time; `not asked`: it is known not to answer, or too many wait for it already. */
type Asked<Answer> = { readonly answer: Answer } | 'refused' | 'failed' | 'not asked'

const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function recordOf({ passed, failed, repute }: Lesson): ClientRecord {
  return { passed: Object.keys(passed), failed: Object.keys(failed), repute: repute ?? null }
}

/**
 * Clients remembered in Redis, for all gates that use it. When Redis is gone, this process' own copy answers, and mail flows.
 *
 * The copy holds what this gate has recalled and learnt, bounded like a memory store: without it the first minute of every
 * outage would make all known clients wait again. While Redis answers it is never read, only replaced by what Redis says. What
 * many ask for at once is answered here all the same, from what Redis has said within the second (hot-recalls.ts), and whoever is beyond a
 * rate until he is not (hot-rates.ts).
 *
 * A lesson is *unwritten* until Redis has confirmed it. A client with an unwritten lesson is answered from the copy, so that
 * a Redis that can be read but not written (a replica, one that is full) does not make this gate forget what it has just
 * learnt. When Redis takes writes again the unwritten lessons are written, a batch at a time. Lessons may thus be written
 * late, and their checks twice, which adds up to the same (store.ts). Forgetting does: a client forgotten while Redis is
 * gone is known again when Redis returns, which is why `forget` says so.
 *
 * Not taken: mixing the answers of Redis and of the copy (a client forgotten, or failed, at another gate would stay good
 * here); answering from the copy while Redis is well, to save everybody the round trip: gates would disagree for as long as it lived, where
 * of a hot name they do for a second at most.
 */
export class SharedStore implements Store {
  readonly #redis: RedisClients
  readonly #nodes: RedisNodes
  readonly #copy: Records
  readonly #unwritten: Records
  readonly #rates: HotRates
  /** What is on its way to Redis: one write at a time for each client, so that lessons stay in order. */
  readonly #writing = new Map<string, Lesson>()
  readonly #leases: Leases
  readonly #refusals: { readonly reads: Refusal; readonly writes: Refusal }
  readonly #hot = new HotRecalls()
  readonly #events: Events
  readonly #suspectFrom: number
  #listener: BlockListener | null = null
  readonly #log: StoreLog
  readonly #now: WallClock
  readonly #clock: () => number
  readonly #counters = zeroCounters()
  #retryTimer: NodeJS.Timeout | null = null
  /** The writing back that is going on, if one is. */
  #writingBack: Promise<void> | null = null
  #closed = false

  /** Begins to connect and returns; until Redis is there the copy answers. */
  constructor(options: RedisOptions, { log, now, clock = () => performance.now() }: StoreWorld) {
    this.#log = log
    this.#now = now
    this.#clock = clock
    this.#suspectFrom = options.suspectFrom ?? usualSuspectFrom
    this.#copy = new Records(options.clients, options.fading)
    this.#rates = new HotRates(options.clients, (...asked) => this.#askRate(...asked), now, clock)
    this.#unwritten = new Records(mostUnwritten, options.fading)
    this.#refusals = { reads: new Refusal('reads', log), writes: new Refusal('writes', log) }
    this.#redis = new RedisClients(options, {
      ready: node => this.#nodes.ready(node),
      lost: (reason, node) => this.#nodes.lost(reason, node),
    })
    this.#nodes = new RedisNodes(this.#redis.connection, log)
    this.#events = new Events(this.#redis, log, this.#counters, clock)
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

  async recall(client: string): Promise<ClientRecord> {
    if (this.#unwritten.has(client)) return this.#recallHere(client)
    const record = await this.#hot.recall(client, this.#clock(), () => this.#askFor(client))
    // A lesson that was learnt, or could not be written, while Redis was asked is newer than its answer.
    if (record === null || this.#unwritten.has(client) || this.#writing.has(client)) return this.#recallHere(client)
    this.#counters.recalls++
    return record
  }

  remember(client: string, lesson: Lesson): void {
    this.#copy.remember(client, lesson, this.#now())
    this.#unwritten.remember(client, lesson, this.#now())
    this.#hot.drop(client)
    void this.#writeAndGoOn(client)
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
    this.#events.listen(names => {
      for (const name of names) this.#hot.drop(name)
      listener(names)
    })
  }

  async forget(client: string): Promise<boolean> {
    this.#copy.forget(client)
    this.#unwritten.forget(client)
    this.#writing.delete(client)
    this.#hot.drop(client)
    return typeof (await this.#ask('writes', this.#redis.nodeOf(client), () => this.#redis.forget(client))) === 'object'
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#nodes.close()
    this.#leases.close()
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer)
    await this.#writeBack()
    this.#events.close()
    await this.#redis.close()
    const lost = this.#unwritten.size
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

  /** What Redis says of a client; null: nothing. */
  async #askFor(client: string): Promise<ClientRecord | null> {
    const asked = await this.#ask('reads', this.#redis.nodeOf(client), () => this.#redis.recall(client))
    if (asked === 'failed' || asked === 'refused') this.#counters.recallErrors++
    if (typeof asked === 'string') return null
    if (!this.#unwritten.has(client) && !this.#writing.has(client))
      this.#copy.replace(client, asked.answer, this.#now())
    return recordOf(asked.answer)
  }

  /** Asks a node of Redis if it is worth asking. Never rejects. */
  async #ask<Answer>(what: 'reads' | 'writes', node: string, command: () => Promise<Answer>): Promise<Asked<Answer>> {
    const breaker = this.#nodes.take(node)
    if (breaker === null) return 'not asked'
    try {
      const answer = await command()
      breaker.succeeded()
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

  /** Writes what is unwritten of a client. False: not now; it stays unwritten. */
  async #write(client: string): Promise<boolean> {
    if (this.#writing.has(client)) return false
    const lesson = this.#unwritten.take(client, this.#now())
    if (lesson === null) return true
    this.#writing.set(client, lesson)
    const asked = await this.#ask('writes', this.#redis.nodeOf(client), () => this.#redis.remember(client, lesson))
    const forgotten = this.#writing.get(client) !== lesson
    if (!forgotten) this.#writing.delete(client)
    if (typeof asked === 'object') {
      this.#written(client, lesson, asked.answer)
      return true
    }
    if (asked === 'failed' || asked === 'refused') this.#counters.rememberErrors++
    // What was not answered in time may have been done: of the mail it would count again each time.
    const { repute: _, ...checks } = lesson
    if (!forgotten) this.#putBack(client, asked === 'failed' ? checks : lesson)
    return false
  }

  /** `score`: what the client came to; null: the key is not ours, and the lesson can never be written. */
  #written(client: string, lesson: Lesson, score: number | null): void {
    if (score === null) return void this.#counters.rememberErrors++
    this.#counters.remembers++
    if (!isBlock(client, lesson, score, this.#suspectFrom)) return
    this.#listener?.([client])
    this.#events.tell(client)
  }

  /** Makes a lesson unwritten again, before those that were learnt since. */
  #putBack(client: string, lesson: Lesson): void {
    const since = this.#unwritten.take(client, this.#now())
    this.#unwritten.merge(client, lesson, this.#now())
    if (since !== null) this.#unwritten.merge(client, since, this.#now())
  }

  /** A write that succeeds is the sign that others may; after one that did not, a single one is tried now and then. */
  async #writeAndGoOn(client: string): Promise<void> {
    if ((await this.#write(client)) && this.#unwritten.size > 0) await this.#writeBack()
    if (this.#unwritten.size > 0) this.#scheduleRetry()
  }

  #scheduleRetry(): void {
    if (this.#retryTimer !== null || this.#closed) return
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = null
      const [client] = this.#unwritten.clients()
      if (client !== undefined) void this.#writeAndGoOn(client)
    }, retryWait).unref()
  }

  #writeBack(): Promise<void> {
    this.#writingBack ??= this.#writeBatches().finally(() => {
      this.#writingBack = null
    })
    return this.#writingBack
  }

  /** Writes batch after batch until nothing is unwritten or one of them fails. */
  async #writeBatches(): Promise<void> {
    while (this.#unwritten.size > 0) {
      const written = await Promise.all(
        this.#unwritten
          .clients()
          .slice(0, batch)
          .map(client => this.#write(client)),
      )
      if (written.includes(false)) return
    }
  }
}
