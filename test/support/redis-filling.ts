import { fieldOf } from '@sallyport/proxy/store/redis/client-record.js'
import { RedisClients } from '@sallyport/proxy/store/redis/redis.js'
import { checks, type Lesson } from '@sallyport/rules'
import { type Owner, undoAfter } from './owner.ts'
import type { RedisServer } from './redis.ts'
import { eventually } from './store-world.ts'

/** Parts of all clients, as packages/proxy/src/store/redis/client-record.ts has them. */
export const allParts = 16_384

export type Family = 'IPv4' | 'IPv6'

export interface Filling {
  readonly clients: number
  /** Over how many parts they are spread. Fewer than all: as dense as a filling that is larger by as much. */
  readonly parts: number
  readonly family: Family
  readonly lesson: Lesson
}

const prefix = 'sallyport:'
/** Clients that are written in one script: a second of Redis at most. */
const atOnce = 100_000

/** What sessions leave of a client of whom only mail is known, and of one that has passed all ten checks. */
export const lessons = {
  mail: { passed: {}, failed: {}, repute: { score: 9.5, accepted: 12, content: 1, unknown: 3 } },
  passes: {
    passed: Object.fromEntries(checks.filter(({ ttl }) => ttl > 0).map(({ name, ttl }) => [name, ttl])),
    failed: {},
    repute: { score: -1, accepted: 1, content: 0, unknown: 0 },
  },
} as const satisfies Readonly<Record<string, Lesson>>

/** What Redis is filled with for the table in docs/memory.md, by its columns. */
export const kinds: readonly (readonly [Family, Lesson])[] = [
  ['IPv4', lessons.mail],
  ['IPv4', lessons.passes],
  ['IPv6', lessons.passes],
]

/** The rows of that table: how many are remembered, and `hash-max-listpack-entries`. */
export const rows: readonly { readonly remembered: number; readonly entries: number }[] = [
  { remembered: 100_000, entries: 128 },
  { remembered: 1_000_000, entries: 128 },
  { remembered: 10_000_000, entries: 128 },
  { remembered: 10_000_000, entries: 1024 },
  { remembered: 100_000_000, entries: 128 },
]

/** The client whose record all others have, too. */
const model = 'name:model'

/*
 * KEYS: the part of the model. ARGV: prefix, parts, family, first, last, model. Gives each client the model's record where fieldOf would have it, but for
 * which part that is: they fall into them at random. A million lessons one by one would take minutes, and for the octets it is all the same.
 */
const fillScript = `
local record = redis.call('HGET', KEYS[1], ARGV[6])
local left = redis.call('TTL', KEYS[1])
local parts = tonumber(ARGV[2])
math.randomseed(tonumber(ARGV[4]))
local letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
local function packed(octets)
  local out = {}
  for i = 1, #octets, 3 do
    local a, b, c = string.byte(octets, i, i + 2)
    local bits = a * 65536 + (b or 0) * 256 + (c or 0)
    for j = 3, (c and 0 or b and 1 or 2), -1 do
      local at = math.floor(bits / 64 ^ j) % 64 + 1
      out[#out + 1] = string.sub(letters, at, at)
    end
  end
  return table.concat(out)
end
for i = tonumber(ARGV[4]), tonumber(ARGV[5]) do
  local field
  if ARGV[3] == 'IPv4' then
    field = '4' .. packed(struct.pack('>I4', 536870912 + i))
  else
    field = '6' .. packed(struct.pack('>I4I2I2', 536939960, 4096 + math.floor(i / 4096), 4096 + i % 4096))
  end
  local key = ARGV[1] .. 'clients:' .. string.format('%d', math.random(0, parts - 1))
  if redis.call('HSET', key, field, record) == 1 and redis.call('HLEN', key) == 1 then redis.call('EXPIRE', key, left) end
end`

export const memoryOf = async (redis: RedisServer): Promise<number> =>
  Number(/^used_memory:(\d+)/m.exec(await redis.command('INFO', 'memory'))?.[1])

/** The clients of a Redis, written and read by the gate's own scripts. */
export async function clientsIn(owner: Owner, redis: RedisServer): Promise<RedisClients> {
  const place = { kind: 'redis', url: `redis://127.0.0.1:${redis.port}`, password: null, clients: 10 } as const
  const store = new RedisClients({ ...place, prefix, commandWait: 30_000 }, { ready: () => {}, lost: () => {} })
  undoAfter(owner, () => store.close())
  await eventually('Redis is there', () => store.ready)
  return store
}

/** Fills an emptied Redis with clients; gives the octets that all of Redis takes more for each of them. All keys have an expiry. */
export async function fill(redis: RedisServer, clients: RedisClients, filling: Filling): Promise<number> {
  await redis.command('FLUSHALL')
  const before = await memoryOf(redis)
  await clients.remember(model, filling.lesson)
  const { key } = fieldOf(model)
  for (let i = 0; i < filling.clients; i += atOnce) {
    const last = Math.min(i + atOnce, filling.clients) - 1
    const words = [prefix, filling.parts, filling.family, i, last, model]
    await redis.command('EVAL', fillScript, 1, `${prefix}${key}`, ...words)
  }
  await clients.forget(model)
  return ((await memoryOf(redis)) - before) / filling.clients
}
