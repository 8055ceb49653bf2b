import { randomBytes } from 'node:crypto'
import { admit, type Fading, type GreyTimes, type Lesson, noRepute, usualFading } from '@sallyport/rules'
import type { Coming, Places } from '../leases/lease-book.ts'
import type { Beyond, Counted, Weights } from '../store.ts'
import { tokenOf } from './check-codes.ts'
import { fieldOf, lessonFrom } from './client-record.ts'
import type { ChannelListener, ConnectionOptions, Listening, RedisConnection, RedisEvents } from './redis-connection.ts'
import { connectRedis } from './redis-connector.ts'
import type { RedisTopology } from './redis-topology.ts'

export type RedisOptions = RedisTopology &
  ConnectionOptions &
  Partial<Weights> & {
    readonly kind: 'redis'
    readonly prefix: string
    /** The most clients that are remembered in this process, for when Redis is gone. */
    readonly clients: number
    /** For how long what this gate holds is counted after its last word, ms; without it, as usual. */
    readonly lease?: number
    /** How long who is known here for good waits for an answer, in ms; without it, as usual. */
    readonly grace?: number
  }

/** The usual lease, ms. */
export const usualLease = 30_000

/** The clients that are in Redis. Everything but `close` rejects within `commandWait` when Redis does not do it. */
export class RedisClients {
  /** Where they are kept, and which node of it has a key. */
  readonly connection: RedisConnection
  fading: Fading
  readonly #prefix: string
  readonly #lease: number
  /** Drawn at the start: a gate that comes back after its death is another. */
  readonly #gate = randomBytes(6).toString('base64url')

  /** Begins to connect; waits for nothing. */
  constructor(options: RedisOptions, events: RedisEvents) {
    this.#prefix = options.prefix
    this.fading = options.fading ?? usualFading
    this.#lease = options.lease ?? usualLease
    this.connection = connectRedis(options, options, events)
  }

  get ready(): boolean {
    return this.connection.ready
  }

  /** The node that has a client, and with it all that is known of it. */
  nodeOf(client: string): string {
    return this.connection.nodeOf(`${this.#prefix}${fieldOf(client).key}`)
  }

  greyNodeOf(name: string): string {
    return this.connection.nodeOf(this.#greyKey(name))
  }

  rateNodeOf(scope: string): string {
    return this.connection.nodeOf(this.#rateKey(scope, ''))
  }

  networkNodeOf(network: string): string {
    return this.connection.nodeOf(this.#openKey(network))
  }

  /** What is known, with the seconds for which it still holds. A key that is no client's holds nothing. */
  async recall(client: string): Promise<Lesson> {
    const { key, field } = fieldOf(client)
    const reply = await this.connection.commands.recallClientBuffer(`${this.#prefix}${key}`, field)
    const [record, now]: unknown[] = Array.isArray(reply) ? reply : []
    if (!Buffer.isBuffer(record) || !Buffer.isBuffer(now)) return { passed: {}, failed: {} }
    return lessonFrom(record, Number(now.toString('latin1')), this.fading)
  }

  /** Gives the score that the client has now; null: the key is somebody else's, and was left alone. */
  async remember(client: string, lesson: Lesson): Promise<number | null> {
    const { key, field } = fieldOf(client)
    const { score, accepted, content, unknown } = lesson.repute ?? noRepute
    const told: (string | number)[] = [this.fading.bad, this.fading.good, score, accepted, content, unknown]
    for (const [ttls, isFailed] of [
      [lesson.passed, false],
      [lesson.failed, true],
    ] as const) {
      for (const [name, ttl] of Object.entries(ttls)) {
        const token = tokenOf(name, isFailed)
        if (token !== null) told.push(token, ttl)
      }
    }
    const hundredths = await this.connection.commands.rememberClient(`${this.#prefix}${key}`, field, ...told)
    return typeof hundredths === 'number' ? hundredths / 100 : null
  }

  /** The seconds for which those of that name are deferred yet; null: what is there is none of ours. */
  async greylist(name: string, { delay, window, keep }: GreyTimes): Promise<number | null> {
    const left = await this.connection.commands.meetGrey(this.#greyKey(name), delay, window, keep)
    return typeof left === 'number' ? left : null
  }

  /** Counts one more under each name of the scope, or gives the first of which it would be one too many. */
  async rate(scope: string, counted: readonly Counted[]): Promise<Beyond | null> {
    const keys = counted.map(({ name }) => this.#rateKey(scope, name))
    const numbers = counted.flatMap(({ rate: { count, period } }) => [count, period])
    const reply = await this.connection.commands.countRates(keys.length, ...keys, ...numbers)
    const [which, wait]: unknown[] = Array.isArray(reply) ? reply : []
    const beyond = typeof which === 'number' ? counted[which - 1] : undefined
    return beyond === undefined || typeof wait !== 'number' ? null : { name: beyond.name, wait: wait / 1000 }
  }

  /** Takes a place for each that comes, where there is one; gives of what there are too many over all gates. */
  async enter({ network, held, comers, caps }: Coming): Promise<Places> {
    const counts = comers.flatMap(({ client, held }) => [client, held])
    const numbers = [caps.perClient, caps.perNetwork, held, ...counts]
    const reply = await this.connection.commands.enterNetwork(
      this.#openKey(network),
      this.#gate,
      this.#lease,
      ...numbers,
    )
    const codes: unknown[] = Array.isArray(reply) ? reply : []
    return comers.map((_, i) => (codes[i] === 1 ? 'per_client' : codes[i] === 2 ? 'per_network' : null))
  }

  /** Says how many connections of each of these clients are open at this gate, and of the network (`*`). */
  async tell(network: string, counts: readonly (string | number)[]): Promise<void> {
    await this.connection.commands.tellNetwork(this.#openKey(network), this.#gate, this.#lease, ...counts)
  }

  /** What `greylist` would give; nothing is noted. */
  async greylistLeft(name: string, { delay }: GreyTimes): Promise<number> {
    const [value, now] = await this.#peek(this.#greyKey(name))
    if (value === 'in') return 0
    const since = Number(value ?? Number.NaN)
    return since <= now ? Math.max(0, Math.ceil(since + delay - now)) : delay
  }

  /** What `rate` would give; nothing is counted. */
  async rateLeft(scope: string, counted: readonly Counted[]): Promise<Beyond | null> {
    const found = await Promise.all(counted.map(({ name }) => this.#peek(this.#rateKey(scope, name))))
    for (const [i, { name, rate }] of counted.entries()) {
      const [value, now] = found[i] ?? [null, 0]
      const until = Number(value ?? Number.NaN)
      const { wait } = admit(Number.isFinite(until) ? until : null, rate, now)
      if (wait > 0) return { name, wait }
    }
    return null
  }

  async forget(client: string): Promise<void> {
    const { key, field } = fieldOf(client)
    await this.connection.commands.hdel(`${this.#prefix}${key}`, field)
  }

  /** Tells all who listen. */
  async publish(message: string): Promise<void> {
    await this.connection.commands.publish(this.#channel, message)
  }

  listen(listener: ChannelListener): Listening {
    return this.connection.listen(this.#channel, listener)
  }

  /** Of a cluster: asks each node that it knows of. */
  async ping(): Promise<void> {
    await this.connection.ping('')
  }

  /** Ends when what was sent before is answered, or was not in time. Never rejects. */
  async close(): Promise<void> {
    await this.connection.close()
  }

  /** A value, and the clock of Redis, s. */
  async #peek(key: string): Promise<readonly [string | null, number]> {
    const reply = await this.connection.commands.peek(key)
    const [value, time]: unknown[] = Array.isArray(reply) ? reply : []
    const [seconds = 0, micros = 0] = Array.isArray(time) ? time.map(Number) : []
    return [typeof value === 'string' ? value : null, seconds + micros / 1e6]
  }

  #greyKey(name: string): string {
    return `${this.#prefix}grey:{${name}}`
  }

  #openKey(network: string): string {
    return `${this.#prefix}open:{${network}}`
  }

  get #channel(): string {
    return `${this.#prefix}blocks`
  }

  /** All of a scope in one slot. */
  #rateKey(scope: string, name: string): string {
    return `${this.#prefix}rate:{${scope}}${name}`
  }
}
