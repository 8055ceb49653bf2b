import type { Lesson } from '@sallyport/rules'
import { Redis, ReplyError, type Result } from 'ioredis'

/*
 * A client is one hash, `<prefix>client:{<client>}`, with a field for each check: `p:<check>` passed, `f:<check>` failed; the
 * value is the second at which it no longer holds. The key itself expires when its last field does. The braces keep a client
 * on one node of a cluster (Redis Cluster specification, hash tags).
 *
 * Expiry is by Redis' own clock, in both scripts: gates whose clocks differ then agree about every client, and one that
 * starts with a clock of 1970 neither forgets everybody nor remembers for fifty years. What crosses the connection is always
 * a number of seconds to go.
 *
 * Not taken: HGETALL and the gate's clock, which saves Redis about a sixth of its work but trusts every gate's clock and reads
 * whatever is there, however large; a ttl for each field (Redis 7.4); functions in place of scripts, which would have to be
 * installed first; auto-pipelining, which makes one recall wait for the answers of others.
 */

/** More fields than a client can have: it is somebody else's hash. */
const mostFields = 128

const recallScript = `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' or redis.call('HLEN', KEYS[1]) > ${mostFields} then return {} end
local now = tonumber(redis.call('TIME')[1])
local fields = redis.call('HGETALL', KEYS[1])
local live = {}
for i = 1, #fields, 2 do
  local left = (tonumber(fields[i + 1]) or 0) - now
  if left >= 1 and left < 4e9 then
    live[#live + 1] = fields[i]
    live[#live + 1] = left
  end
end
return live`

// ARGV: field, ttl, field, ttl ... Passes come before failures, so that a failure takes the pass of its name back.
const rememberScript = `
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'hash' then return 0 end
if kind == 'hash' and redis.call('HLEN', KEYS[1]) > ${mostFields} then return 0 end
local now = tonumber(redis.call('TIME')[1])
local known, gone = {}, {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local expiry = tonumber(fields[i + 1]) or 0
  if expiry > now and expiry < now + 4e9 then known[fields[i]] = expiry else gone[#gone + 1] = fields[i] end
end
for i = 1, #ARGV, 2 do
  local passed = 'p:' .. string.sub(ARGV[i], 3)
  if string.sub(ARGV[i], 1, 2) == 'f:' and known[passed] then
    known[passed] = nil
    gone[#gone + 1] = passed
  end
end
local fresh = {}
for i = 1, #ARGV, 2 do
  local expiry = now + tonumber(ARGV[i + 1])
  if expiry > (known[ARGV[i]] or 0) then
    known[ARGV[i]] = expiry
    fresh[#fresh + 1] = ARGV[i]
    fresh[#fresh + 1] = string.format('%d', expiry)
  end
end
if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end
if #fresh > 0 then redis.call('HSET', KEYS[1], unpack(fresh)) end
local last = 0
for _, expiry in pairs(known) do if expiry > last then last = expiry end end
if last > 0 then redis.call('EXPIREAT', KEYS[1], string.format('%d', last)) end
return 1`

declare module 'ioredis' {
  interface RedisCommander<Context> {
    recallClient(key: string): Result<unknown, Context>
    rememberClient(key: string, ...fieldsAndTtls: (string | number)[]): Result<unknown, Context>
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

function lessonFrom(reply: unknown): Lesson {
  const passed: Record<string, number> = {}
  const failed: Record<string, number> = {}
  if (!Array.isArray(reply)) return { passed, failed }
  for (let i = 0; i + 1 < reply.length; i += 2) {
    const field: unknown = reply[i]
    const left: unknown = reply[i + 1]
    if (typeof field !== 'string' || typeof left !== 'number' || field.length > 64) continue
    if (field.startsWith('p:')) passed[field.slice(2)] = left
    if (field.startsWith('f:')) failed[field.slice(2)] = left
  }
  return { passed, failed }
}

/** The clients that are in Redis. Everything but `close` rejects within `commandWait` when Redis does not do it. */
export class RedisClients {
  readonly #redis: Redis
  readonly #prefix: string
  readonly #events: RedisEvents
  #lastError = ''
  #closing = false

  /** Begins to connect, and goes on for ever at intervals of two seconds at most; waits for nothing. */
  constructor(options: RedisOptions, events: RedisEvents) {
    this.#prefix = options.prefix
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
    return lessonFrom(await this.#redis.recallClient(this.#key(client)))
  }

  /** False: the key is somebody else's, and was left alone. */
  async remember(client: string, lesson: Lesson): Promise<boolean> {
    const fields: (string | number)[] = []
    for (const [name, ttl] of Object.entries(lesson.passed)) fields.push(`p:${name}`, ttl)
    for (const [name, ttl] of Object.entries(lesson.failed)) fields.push(`f:${name}`, ttl)
    return (await this.#redis.rememberClient(this.#key(client), ...fields)) === 1
  }

  async forget(client: string): Promise<void> {
    await this.#redis.del(this.#key(client))
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

  #key(client: string): string {
    return `${this.#prefix}client:{${client}}`
  }

  #lost(): void {
    if (!this.#closing) this.#events.lost(this.#lastError === '' ? 'the connection was closed' : this.#lastError)
  }
}
