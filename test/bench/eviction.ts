import type { RedisClients } from '@sallyport/proxy/store/redis/redis.js'
import { owning, undoAfter } from '../support/owner.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { clientsIn, fill, lessons, memoryOf } from '../support/redis-filling.ts'
import type { Row } from './table.ts'

const policies = ['volatile-ttl', 'volatile-lru', 'allkeys-lru', 'volatile-lfu', 'noeviction']
/** How long the flood is, ms. */
const span = 3_000
/** As dense as a million. */
const [known, parts] = [20_000, 327]
/** Octets that Redis may take besides them. */
const room = 500_000
const someone = 'nobody'

/** What a Redis that is full forgets in a flood of senders nobody hears of again, by its `maxmemory-policy`. */
export async function eviction(): Promise<Row[]> {
  const rows: Row[] = []
  for (const policy of policies) {
    const figures: string[] = []
    for (const scattered of [true, false]) figures.push(await flooded(policy, scattered))
    rows.push({ what: `eviction, ${policy}: many addresses, few addresses`, value: figures.join('; ') })
  }
  return rows
}

function flooded(policy: string, scattered: boolean): Promise<string> {
  return owning(async owner => {
    const redis = await startRedis()
    undoAfter(owner, () => redis.stop())
    const clients = await clientsIn(owner, redis)
    await fill(redis, clients, { clients: known, parts, family: 'IPv4', lesson: lessons.passes })
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', policy, 'maxmemory', (await memoryOf(redis)) + room)
    const rates = await flood(clients, scattered)
    const left = (await clientsLeft(redis)) / known
    const counted = Number(await redis.command('EXISTS', ...rates)) / rates.length
    return `${Math.round(left * 100)} % of clients, ${Math.round(counted * 100)} % of rates left`
  })
}

/** Tuples of the greylist, and one session of ten of a known client that is counted; gives the last keys by which these were. */
async function flood({ connection: { commands } }: RedisClients, scattered: boolean): Promise<readonly string[]> {
  const part = () => `sallyport:clients:${Math.floor(Math.random() * parts)}`
  const rates: string[] = []
  let i = 0
  const visit = async (isKnown: boolean) => {
    const tuple = `sallyport:grey:{${String(i++).padStart(22, 'x')}}`
    if (scattered || isKnown) await commands.recallClientBuffer(part(), someone)
    if (!isKnown) return void (await commands.meetGrey(tuple, 300, 14_400, 3_000_000))
    rates.push(`sallyport:rate:{${i}}`)
    await commands.countRates(1, rates.at(-1) ?? '', 2, 60)
  }
  for (const end = performance.now() + span; performance.now() < end; ) {
    // A Redis that is full and evicts nothing refuses all that writes.
    await Promise.allSettled(Array.from({ length: 100 }, (_, j) => visit(j % 10 === 0)))
  }
  return rates.slice(-500)
}

async function clientsLeft(redis: RedisServer): Promise<number> {
  const count = `local n = 0
for _, key in ipairs(redis.call('KEYS', 'sallyport:clients:*')) do n = n + redis.call('HLEN', key) end
return n`
  return Number(await redis.command('EVAL', count, 0))
}
