import { admit, type Fading, type GreyTimes, type Lesson, noRepute, type Rate, usualFading } from '@sallyport/rules'
import { Redis, ReplyError, type Result } from 'ioredis'
import { tokenOf } from './check-codes.ts'
import { lessonFrom, placeOf } from './client-record.ts'
import { recallScript, rememberScript } from './client-scripts.ts'
import { greyScript } from './grey-script.ts'
import { rateScript } from './rate-script.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    recallClientBuffer(key: string, field: string): Result<unknown, Context>
    meetGrey(key: string, delay: number, window: number, keep: number): Result<unknown, Context>
    countRate(key: string, count: number, period: number): Result<unknown, Context>
    rememberClient(key: string, field: string, ...numbersAndTokens: (string | number)[]): Result<unknown, Context>
  }
}

export interface RedisOptions {
  readonly kind: 'redis'
  /** `redis://` or `rediss://`, as ioredis takes it. */
  readonly url: string
  /** In place of the one in the url; null: that one, or none. */
  readonly password: string | null
  readonly prefix: string
  /** The most that a command may take, in ms. */
  readonly commandWait: number
  /** The most clients that are remembered in this process, for when Redis is gone. */
  readonly clients: number
  /** How what is known of mail fades; without it, as usual. */
  readonly fading?: Fading
}

/** Told of the connection, once for each change. */
export interface RedisEvents {
  /** Commands can be sent. */
  ready(): void
  /** They cannot any more, or the first connection was not made; in `reason` why. */
  lost(reason: string): void
}

/** Whether Redis itself said no: it is there, but will not do this (READONLY, OOM, NOPERM, LOADING). */
export const isRefusal = (error: unknown): boolean => error instanceof ReplyError

/** The clients that are in Redis. Everything but `close` rejects within `commandWait` when Redis does not do it. */
export class RedisClients {
  readonly #redis: Redis
  readonly #prefix: string
  readonly #fading: Fading
  readonly #events: RedisEvents
  #lastError = ''
  #closing = false

  /** Begins to connect, and goes on for ever at intervals of two seconds at most; waits for nothing. */
  constructor(options: RedisOptions, events: RedisEvents) {
    this.#prefix = options.prefix
    this.#fading = options.fading ?? usualFading
    this.#events = events
    this.#redis = new Redis(options.url, {
      ...(options.password === null ? {} : { password: options.password }),
      connectionName: 'sallyport',
      // Fail at once rather than late: whoever asks has another answer, and a client that waits.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      commandTimeout: options.commandWait,
      connectTimeout: 1000,
      // A command that timed out stays in the queue of its connection; a connection that says nothing for so long is dropped.
      socketTimeout: 1000,
      retryStrategy: attempt => Math.min(50 * 2 ** (attempt - 1), 2000) + Math.random() * 100,
      scripts: {
        recallClient: { lua: recallScript, numberOfKeys: 1, readOnly: true },
        meetGrey: { lua: greyScript, numberOfKeys: 1 },
        countRate: { lua: rateScript, numberOfKeys: 1 },
        rememberClient: { lua: rememberScript, numberOfKeys: 1 },
      },
    })
    this.#redis.on('error', error => {
      this.#lastError = error.message
    })
    this.#redis.on('ready', () => {
      this.#lastError = ''
      events.ready()
    })
    this.#redis.on('close', () => this.#lost())
  }

  get ready(): boolean {
    return this.#redis.status === 'ready'
  }

  /** What is known, with the seconds for which it still holds. A key that is no client's holds nothing. */
  async recall(client: string): Promise<Lesson> {
    const { key, field } = placeOf(client)
    const reply = await this.#redis.recallClientBuffer(`${this.#prefix}${key}`, field)
    const [record, now]: unknown[] = Array.isArray(reply) ? reply : []
    if (!Buffer.isBuffer(record) || !Buffer.isBuffer(now)) return { passed: {}, failed: {} }
    return lessonFrom(record, Number(now.toString('latin1')), this.#fading)
  }

  /** False: the key is somebody else's, and was left alone. */
  async remember(client: string, lesson: Lesson): Promise<boolean> {
    const { key, field } = placeOf(client)
    const { score, accepted, content, unknown } = lesson.repute ?? noRepute
    const told: (string | number)[] = [this.#fading.bad, this.#fading.good, score, accepted, content, unknown]
    for (const [ttls, isFailed] of [
      [lesson.passed, false],
      [lesson.failed, true],
    ] as const) {
      for (const [name, ttl] of Object.entries(ttls)) {
        const token = tokenOf(name, isFailed)
        if (token !== null) told.push(token, ttl)
      }
    }
    return (await this.#redis.rememberClient(`${this.#prefix}${key}`, field, ...told)) === 1
  }

  /** The seconds for which those of that name are deferred yet; null: what is there is none of ours. */
  async greylist(name: string, { delay, window, keep }: GreyTimes): Promise<number | null> {
    const left = await this.#redis.meetGrey(this.#greyKey(name), delay, window, keep)
    return typeof left === 'number' ? left : null
  }

  /** Counts one more; gives the seconds until the next will be within the rate. */
  async rate(name: string, { count, period }: Rate): Promise<number> {
    const wait = await this.#redis.countRate(this.#rateKey(name), count, period)
    return typeof wait === 'number' ? wait / 1000 : 0
  }

  /** What `greylist` would give; nothing is noted. */
  async greylistLeft(name: string, { delay }: GreyTimes): Promise<number> {
    const [value, now] = await Promise.all([this.#redis.get(this.#greyKey(name)), this.#time()])
    if (value === 'in') return 0
    const since = Number(value ?? Number.NaN)
    return since <= now ? Math.max(0, Math.ceil(since + delay - now)) : delay
  }

  /** What `rate` would give; nothing is counted. */
  async rateLeft(name: string, rate: Rate): Promise<number> {
    const [value, now] = await Promise.all([this.#redis.get(this.#rateKey(name)), this.#time()])
    const until = Number(value ?? Number.NaN)
    return admit(Number.isFinite(until) ? until : null, rate, now).wait
  }

  async forget(client: string): Promise<void> {
    const { key, field } = placeOf(client)
    await this.#redis.hdel(`${this.#prefix}${key}`, field)
  }

  async ping(): Promise<void> {
    await this.#redis.ping()
  }

  /** Ends when what was sent before is answered, or was not in time. Never rejects. */
  async close(): Promise<void> {
    this.#closing = true
    try {
      if (this.ready) await this.#redis.quit()
    } catch {
      // It did not answer, so there is nobody to say goodbye to.
    }
    this.#redis.disconnect()
  }

  /** The clock of Redis, s. */
  async #time(): Promise<number> {
    const [seconds = 0, micros = 0] = (await this.#redis.time()).map(Number)
    return seconds + micros / 1e6
  }

  #greyKey(name: string): string {
    return `${this.#prefix}grey:{${name}}`
  }

  #rateKey(name: string): string {
    return `${this.#prefix}rate:{${name}}`
  }

  #lost(): void {
    if (!this.#closing) this.#events.lost(this.#lastError === '' ? 'the connection was closed' : this.#lastError)
  }
}
