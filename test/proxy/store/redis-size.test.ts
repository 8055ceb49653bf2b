import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { RedisClients } from '@sallyport/proxy/store/redis.js'
import { checks, type Lesson } from '@sallyport/rules'
import { startRedis } from '../../support/redis.js'
import { until } from '../../support/store-world.js'

const redis = await startRedis()
after(() => redis.stop())
const options = { kind: 'redis', url: `redis://127.0.0.1:${redis.port}`, password: null, clients: 10 } as const
const clients = new RedisClients(
  { ...options, prefix: 'sallyport:', commandWait: 30_000 },
  { ready: () => {}, lost: () => {} },
)
after(() => clients.close())
await until('Redis is there', () => clients.ready)

const address = (i: number) => `198.${18 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`

/** Octets that Redis needs more for each of so many clients that were taught this: the whole server measured, and a record. */
async function sizesOf(count: number, lesson: Lesson): Promise<{ readonly server: number; readonly record: number }> {
  const used = async () => Number(/^used_memory:(\d+)/m.exec(await redis.command('INFO', 'memory'))?.[1])
  await redis.command('FLUSHALL')
  const before = await used()
  for (let i = 0; i < count; i += 1000)
    await Promise.all(Array.from({ length: 1000 }, (_, j) => clients.remember(address(i + j), lesson)))
  assert.equal(await redis.command('DBSIZE'), `${count}`)
  const record = Number(await redis.command('MEMORY', 'USAGE', `sallyport:client:{${address(7)}}`))
  return { server: ((await used()) - before) / count, record }
}

const repute = { score: 9.5, accepted: 12, content: 1, unknown: 3 }
const day = 86_400

test('of 100,000 clients with a name for bad or for good each record takes 150 octets at most', async t => {
  const { server, record } = await sizesOf(100_000, { passed: {}, failed: {}, repute })
  t.diagnostic(
    `${record} octets a record, ${server.toFixed(0)} a client with the tables of Redis for keys and expiries`,
  )
  assert.ok(record <= 150, `${record}`)
  assert.ok(server <= 210, `${server}`)
})

test('what all checks leave in the record of a good client is bounded', async t => {
  const passed = Object.fromEntries(checks.filter(({ ttl }) => ttl > 0).map(({ name }) => [name, 30 * day]))
  const { server, record } = await sizesOf(10_000, { passed, failed: {}, repute })
  const { length } = Object.keys(passed)
  t.diagnostic(`${record} octets a record with ${length} passes, ${server.toFixed(0)} a client`)
  assert.ok(record <= 200 + 32 * length, `${record}`)
})
