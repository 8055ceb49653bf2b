import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RedisClients } from '@sallyport/proxy/store/redis/redis.js'
import { startRedis } from '../../support/redis.js'
import { eventually } from '../../support/store-world.js'

const day = 86_400
const times = { delay: 300, window: 14_400, keep: 36 * day }

test('with volatile-ttl a flood of tuples of the greylist makes room for itself, and clients stay', async t => {
  const redis = await startRedis(undefined, ['--maxmemory-policy', 'volatile-ttl'])
  t.after(() => redis.stop())
  const options = { kind: 'redis', url: `redis://127.0.0.1:${redis.port}`, password: null, clients: 10 } as const
  const store = new RedisClients(
    { ...options, prefix: 'sallyport:', commandWait: 30_000 },
    { ready: () => {}, lost: () => {} },
  )
  t.after(() => store.close())
  await eventually('Redis is there', () => store.ready)
  const clients = Array.from({ length: 2000 }, (_, i) => `198.51.${i >> 8}.${i & 255}`)
  await Promise.all(clients.map(client => store.remember(client, { passed: { pregreet: 30 * day }, failed: {} })))
  const used = Number(/^used_memory:(\d+)/m.exec(await redis.command('INFO', 'memory'))?.[1])
  await redis.command('CONFIG', 'SET', 'maxmemory', used + 2 * 1024 * 1024)
  // A connection that says nothing for a second is dropped, however much is asked.
  for (let i = 0; i < 40_000; i += 200) {
    await Promise.all(Array.from({ length: 200 }, (_, j) => store.greylist(`flood ${i + j}`, times)))
  }
  const evicted = Number(/evicted_keys:(\d+)/.exec(await redis.command('INFO', 'stats'))?.[1])
  assert.ok(evicted > 5000, `${evicted} were evicted`)
  const known = await Promise.all(clients.map(client => store.recall(client)))
  const left = known.filter(({ passed }) => passed['pregreet'] !== undefined).length
  t.diagnostic(`${evicted} keys evicted, ${left} of ${clients.length} clients left`)
  assert.ok(left >= 1980, `${left} clients are left`)
})
