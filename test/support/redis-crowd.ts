import { placeOf } from '@sallyport/proxy/store/client-record.js'
import { RedisClients } from '@sallyport/proxy/store/redis.js'
import type { Lesson } from '@sallyport/rules'
import { type Owner, undoAfter } from './owner.ts'
import type { RedisServer } from './redis.ts'
import { until } from './store-world.ts'

/** Parts of all clients, as packages/proxy/src/store/client-record.ts has them. */
export const allParts = 16_384

export type Family = 'IPv4' | 'IPv6'

export interface Crowd {
  readonly clients: number
  /** Over how many parts they are spread. Fewer than all: as dense as a crowd that is larger by as much. */
  readonly parts: number
  readonly family: Family
  readonly lesson: Lesson
}

const prefix = 'sallyport:'
/** Clients that are written in one script: a second of Redis at most. */
const atOnce = 100_000

/** Name `i` of a family, as clientKey writes it. */
export function nameOf(family: Family, i: number): string {
  const [a, b, c, d] = [20 + (i >>> 24), (i >>> 16) & 255, (i >>> 8) & 255, i & 255]
  if (family === 'IPv4') return `${a}.${b}.${c}.${d}`
  return `2001:db8:${(4096 + (i >>> 12)).toString(16)}:${(4096 + (i & 4095)).toString(16)}::/64`
}

/** The client whose record all others have, too. */
const model = 'name:model'

/*
 * KEYS: the part of the model. ARGV: prefix, parts, family, first, last, model. Gives each client the model's record, where placeOf would have it:
 * for its octets it is all the same who wrote it, and a million lessons one by one would take minutes. What spreads them is FNV-1a.
 */
const fillScript = `
local record = redis.call('HGET', KEYS[1], ARGV[6])
local left = redis.call('TTL', KEYS[1])
local parts = tonumber(ARGV[2])
for i = tonumber(ARGV[4]), tonumber(ARGV[5]) do
  local name
  if ARGV[3] == 'IPv4' then
    name = string.format('%d.%d.%d.%d', 20 + math.floor(i / 16777216), math.floor(i / 65536) % 256, math.floor(i / 256) % 256, i % 256)
  else
    name = string.format('2001:db8:%x:%x::/64', 4096 + math.floor(i / 4096), 4096 + i % 4096)
  end
  local hash = 2166136261
  for j = 1, #name do
    hash = bit.bxor(hash, string.byte(name, j)) % 4294967296
    hash = (hash * 403 + (hash % 256) * 16777216) % 4294967296
  end
  local key = ARGV[1] .. 'clients:' .. string.format('%d', hash % parts)
  if redis.call('HSET', key, name, record) == 1 and redis.call('HLEN', key) == 1 then redis.call('EXPIRE', key, left) end
end`

export const memoryOf = async (redis: RedisServer): Promise<number> =>
  Number(/^used_memory:(\d+)/m.exec(await redis.command('INFO', 'memory'))?.[1])

/** The clients of a Redis, written and read by the gate's own scripts. */
export async function clientsIn(owner: Owner, redis: RedisServer): Promise<RedisClients> {
  const place = { kind: 'redis', url: `redis://127.0.0.1:${redis.port}`, password: null, clients: 10 } as const
  const store = new RedisClients({ ...place, prefix, commandWait: 30_000 }, { ready: () => {}, lost: () => {} })
  undoAfter(owner, () => store.close())
  await until('Redis is there', () => store.ready)
  return store
}

/** Fills an emptied Redis with a crowd; gives the octets that all of Redis takes more for each of them. All keys have an expiry. */
export async function fill(redis: RedisServer, clients: RedisClients, crowd: Crowd): Promise<number> {
  await redis.command('FLUSHALL')
  const before = await memoryOf(redis)
  await clients.remember(model, crowd.lesson)
  const { key } = placeOf(model)
  for (let i = 0; i < crowd.clients; i += atOnce) {
    const last = Math.min(i + atOnce, crowd.clients) - 1
    const words = [prefix, crowd.parts, crowd.family, i, last, model]
    await redis.command('EVAL', fillScript, 1, `${prefix}${key}`, ...words)
  }
  await clients.forget(model)
  return ((await memoryOf(redis)) - before) / crowd.clients
}
