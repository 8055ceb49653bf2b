import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { RedisClients } from '@sallyport/proxy/store/redis.js'
import { checks, type Lesson } from '@sallyport/rules'
import { startRedis } from '../../support/redis.js'
import { until } from '../../support/store-world.js'

const redis = await startRedis()
after(() => redis.stop())
const options = { kind: 'redis', url: `redis://127.0.0.1:${redis.port}`, password: null, clients: 10 } as const
const store = new RedisClients(
  { ...options, prefix: 'sallyport:', commandWait: 30_000 },
  { ready: () => {}, lost: () => {} },
)
after(() => store.close())
await until('Redis is there', () => store.ready)

const ipv4 = (i: number) => `198.${18 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`
const ipv6 = (i: number) => `2001:db8:${(4096 + (i >> 8)).toString(16)}:${(4096 + (i & 255)).toString(16)}::/64`

/** Octets that all of Redis needs more, for each of so many things that are written; all keys have an expiry. */
async function sizeOf(count: number, write: (i: number) => Promise<unknown>): Promise<number> {
  const used = async () => Number(/^used_memory:(\d+)/m.exec(await redis.command('INFO', 'memory'))?.[1])
  await redis.command('FLUSHALL')
  const before = await used()
  for (let i = 0; i < count; i += 1000) await Promise.all(Array.from({ length: 1000 }, (_, j) => write(i + j)))
  const [, keys, expiring] = /keys=(\d+),expires=(\d+)/.exec(await redis.command('INFO', 'keyspace')) ?? []
  assert.equal(keys, expiring, 'everything expires')
  return ((await used()) - before) / count
}

const repute = { score: 9.5, accepted: 12, content: 1, unknown: 3 }
const day = 86_400
const remembered = checks.filter(({ ttl }) => ttl > 0)
/** What a session leaves that has passed everything and whose mail was taken. */
const usual: Lesson = {
  passed: Object.fromEntries(remembered.map(({ name, ttl }) => [name, ttl])),
  failed: {},
  repute: { score: -1, accepted: 1, content: 0, unknown: 0 },
}

for (const { what, lesson, name, most } of [
  { what: 'that is known for its mail', lesson: { passed: {}, failed: {}, repute }, name: ipv4, most: 80 },
  { what: 'that has passed all checks and sent mail', lesson: usual, name: ipv4, most: 105 },
  { what: 'of IPv6 that has passed all checks and sent mail', lesson: usual, name: ipv6, most: 120 },
])
  test(`of 100,000 clients each one ${what} takes ${most} octets of Redis at most`, async t => {
    const size = await sizeOf(100_000, i => store.remember(name(i), lesson))
    t.diagnostic(`${size.toFixed(0)} octets a client`)
    assert.ok(size <= most, `${size}`)
  })

test('of clients whose parts are no packed lists any more each takes 250 octets at most', async t => {
  await redis.command('CONFIG', 'SET', 'hash-max-listpack-entries', 0)
  const size = await sizeOf(50_000, i => store.remember(ipv4(i), usual))
  await redis.command('CONFIG', 'SET', 'hash-max-listpack-entries', 128)
  t.diagnostic(`${size.toFixed(0)} octets a client`)
  assert.ok(size <= 250, `${size}`)
})

test('what all checks leave in the record of a client, passed and failed, each at another second, is bounded', async t => {
  const passed = Object.fromEntries(remembered.map(({ name }, i) => [name, 30 * day + i]))
  const failed = Object.fromEntries(remembered.map(({ name }, i) => [name, day + i]))
  const size = await sizeOf(50_000, i => store.remember(ipv4(i), { passed: {}, failed, repute }))
  t.diagnostic(`${size.toFixed(0)} octets a client that failed`)
  const both = await sizeOf(50_000, async i => {
    await store.remember(ipv4(i), { passed: {}, failed, repute })
    await store.remember(ipv4(i), { passed, failed: {} })
  })
  t.diagnostic(`${both.toFixed(0)} octets a client that did both`)
  assert.ok(both <= 400, `${both}`)
})

test('of 100,000 greylisted each takes 150 octets at most', async t => {
  const size = await sizeOf(100_000, i =>
    store.greylist(`${i}`.padStart(22, 'x'), { delay: 300, window: 14_400, keep: 36 * day }),
  )
  t.diagnostic(`${size.toFixed(0)} octets`)
  assert.ok(size <= 151, `${size}`)
})

test('of 100,000 networks that have a connection open each takes 300 octets at most, as long as it is', async t => {
  const caps = { perClient: 50, perNetwork: 500 }
  const visitorOf = (i: number) => ({ client: ipv4(i << 8), network: `${ipv4(i << 8)}/24` })
  const one = { client: 1, network: 1 }
  const size = await sizeOf(100_000, i => store.enter(visitorOf(i), one, caps))
  t.diagnostic(`${size.toFixed(0)} octets`)
  assert.ok(size <= 300, `${size}`)
})
