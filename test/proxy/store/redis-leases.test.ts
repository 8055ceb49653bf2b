import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore, type Store } from '@sallyport/proxy/store/index.js'
import { excessSpan } from '@sallyport/proxy/store/leases/hot-excess.js'
import { longestLease } from '@sallyport/proxy/store/redis/lease-script.js'
import { RedisClients } from '@sallyport/proxy/store/redis/redis.js'
import type { RedisTopology } from '@sallyport/proxy/store/redis/redis-topology.js'
import { undoAfter } from '../../support/owner.js'
import { type RedisServer, startRedis } from '../../support/redis.js'
import { startCluster } from '../../support/redis-topology.js'
import { eventually, StoreWorld } from '../../support/store-world.js'
import { timeTravel } from '../../support/time-travel.js'

const caps = { perClient: 3, perNetwork: 5 }
const network = '192.0.2.0/24'
const visitor = { client: '192.0.2.1', network }
const usual = { password: null, prefix: 'test:', commandWait: 2000, clients: 1000 }

async function ownedRedis(t: TestContext, port?: number, settings: readonly string[] = []): Promise<RedisServer> {
  const redis = await startRedis(port, settings)
  undoAfter(t, () => redis.stop())
  return redis
}

const topologyOf = (redis: RedisServer): RedisTopology => ({ url: `redis://127.0.0.1:${redis.port}` })

/** The store of one gate. */
async function gateAt(t: TestContext, topology: RedisTopology, lease = 30_000): Promise<Store> {
  const store = openStore({ kind: 'redis', ...topology, ...usual, lease }, new StoreWorld())
  undoAfter(t, () => store.close())
  await eventually('the store is up', () => store.health.up, 10_000)
  return store
}

const comer = (client: string, held = 0) => [{ client, held }]

async function enterTimes(store: Store, times: number, who = visitor) {
  const found = []
  for (let i = 0; i < times; i++) found.push(await store.enter(who, caps))
  return found
}

async function sharePlaces(t: TestContext, topology: RedisTopology): Promise<void> {
  const [one, other] = [await gateAt(t, topology), await gateAt(t, topology)]
  for (let i = 0; i < 20; i++) {
    const inNetwork = `192.0.${i}.0/24`
    const [a, b] = ['a', 'b'].map(client => ({ client: `${client}${i}`, network: inNetwork })) as [
      typeof visitor,
      typeof visitor,
    ]
    assert.deepEqual(await enterTimes(one, 2, a), [null, null])
    assert.deepEqual(await enterTimes(other, 2, a), [null, 'per_client'])
    assert.deepEqual(await enterTimes(one, 3, b), [null, null, 'per_network'])
    other.leave(a)
    await eventually('a place is free', async () => (await one.enter(a, caps)) === null)
    assert.equal(await other.enter(a, caps), 'per_client')
  }
}

test('two gates: the fourth connection of a client over both, and the sixth of a network, has no place', async t => {
  await sharePlaces(t, topologyOf(await ownedRedis(t)))
})

test('some who come at once, several of one client among them, are asked for with one command, each for itself', async t => {
  const redis = await ownedRedis(t)
  const [one, other] = [await gateAt(t, topologyOf(redis)), await gateAt(t, topologyOf(redis))]
  await enterTimes(one, 2, { client: 'a', network })
  const come = ['b', 'a', 'a', 'b', 'c', 'c'].map(client => other.enter({ client, network }, caps))
  const answers = [null, null, 'per_client', null, 'per_network', 'per_network']
  assert.deepEqual(await Promise.all(come), answers)
  const shares = await Promise.all(
    ['a', 'b', 'c', '*'].map(name => redis.command('HSTRLEN', `test:open:{${network}}`, name)),
  )
  assert.deepEqual(shares.map(Number), [34, 17, 0, 34])
  // Each script asks for the time once; the second gate's first one is a command by itself.
  assert.match(await redis.command('INFO', 'commandstats'), /cmdstat_time:calls=4,/)
})

test('two gates with a cluster: the same, whichever node has the network', async t => {
  const nodes = await startCluster(t)
  await sharePlaces(t, { cluster: nodes.map(({ port }) => ({ host: '127.0.0.1', port })) })
})

test('what a gate holds that says no more is free when its lease is over, and the key is gone', async t => {
  const redis = await ownedRedis(t)
  const [one, other] = [await gateAt(t, topologyOf(redis)), await gateAt(t, topologyOf(redis))]
  await enterTimes(one, 3)
  const seconds = async () => Number(await redis.command('TTL', `test:open:{${network}}`))
  assert.ok((await seconds()) >= 28)
  await redis.command('EVAL', timeTravel, 0, 28)
  assert.equal(await other.enter(visitor, caps), 'per_client')
  await redis.command('EVAL', timeTravel, 0, 3)
  assert.equal(await redis.command('DBSIZE'), '0')
  await sleep(excessSpan)
  assert.equal(await other.enter(visitor, caps), null)
})

test('gates need not agree about the lease', async t => {
  const redis = await ownedRedis(t)
  const [one, other] = [await gateAt(t, topologyOf(redis), longestLease), await gateAt(t, topologyOf(redis), 2000)]
  await enterTimes(one, 3)
  assert.equal(await other.enter(visitor, caps), 'per_client')
  await redis.command('EVAL', timeTravel, 0, 590)
  await sleep(excessSpan)
  assert.equal(await other.enter(visitor, caps), 'per_client')
})

test('behind a failover to a clock that is an hour behind, what a dead gate held counts for a lease from when it is met', async t => {
  const redis = await ownedRedis(t)
  const [one, other] = [await gateAt(t, topologyOf(redis)), await gateAt(t, topologyOf(redis))]
  await enterTimes(one, 3)
  await redis.command('EVAL', timeTravel, 0, -3600)
  const neighbour = { client: '192.0.2.2', network }
  assert.equal(await other.enter(visitor, caps), 'per_client')
  for (const found of [null, null, 'per_network']) assert.equal(await other.enter(neighbour, caps), found)
  await redis.command('EVAL', timeTravel, 0, 28)
  await sleep(excessSpan)
  assert.equal(await other.enter(visitor, caps), 'per_client')
  await redis.command('EVAL', timeTravel, 0, 3)
  await sleep(excessSpan)
  assert.deepEqual(await enterTimes(other, 4), [null, null, null, 'per_client'])
})

test('behind a failover to a clock that is an hour ahead, what a gate holds is told again within three quarters of a lease', async t => {
  const redis = await ownedRedis(t)
  const one = await gateAt(t, topologyOf(redis), 2000)
  await enterTimes(one, 3)
  await redis.command('EVAL', timeTravel, 0, 3600)
  const since = performance.now()
  const held = async () => Number(await redis.command('HSTRLEN', `test:open:{${network}}`, visitor.client))
  assert.equal(await held(), 0)
  await eventually('it was told', async () => (await held()) === 17)
  assert.ok(performance.now() - since < 2000, `${performance.now() - since} ms`)
})

test('who stays keeps its place over several leases, though nobody else of its network comes or goes', async t => {
  const redis = await ownedRedis(t)
  const [one, other] = [await gateAt(t, topologyOf(redis), 2000), await gateAt(t, topologyOf(redis), 2000)]
  await enterTimes(one, 3)
  for (const end = performance.now() + 5000; performance.now() < end; await sleep(100))
    assert.equal(await other.enter(visitor, caps), 'per_client')
  await one.close()
  assert.equal(
    await redis.command('DBSIZE'),
    '1',
    'one that ends without a word to its clients leaves them to the lease',
  )
  await eventually('they are free', async () => (await other.enter(visitor, caps)) === null, 10_000)
})

test('Redis killed: everybody has a place; started anew and empty: it is told what is open, and the caps hold', async t => {
  let redis = await ownedRedis(t)
  const [one, other] = [await gateAt(t, topologyOf(redis)), await gateAt(t, topologyOf(redis))]
  await enterTimes(one, 1)
  await redis.stop()
  await eventually('it is known', () => !one.health.up && !other.health.up)
  assert.deepEqual(await enterTimes(one, 5), Array(5).fill(null))
  one.leave(visitor)
  redis = await ownedRedis(t, redis.port)
  await eventually('it is back', () => one.health.up && other.health.up, 10_000)
  const held = async () => await redis.command('HGET', `test:open:{${network}}`, visitor.client)
  await eventually('what is open was told', async () => (await held()) !== '', 10_000)
  assert.equal(await other.enter(visitor, { perClient: 5, perNetwork: 50 }), 'per_client')
  assert.equal(await other.enter(visitor, { perClient: 6, perNetwork: 50 }), null)
})

test('Redis that is full, or has something else under the key: everybody has a place', async t => {
  const redis = await ownedRedis(t)
  const gate = await gateAt(t, topologyOf(redis))
  await redis.command('SET', `test:open:{${network}}`, 'x')
  assert.deepEqual(await enterTimes(gate, 5), Array(5).fill(null))
  await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1mb')
  assert.deepEqual(await enterTimes(gate, 3, { client: 'a', network: 'b' }), Array(3).fill(null))
  assert.equal(gate.health.up, true)
})

test('a network keeps what living gates hold, in bounds, and lets go what dead ones held', async t => {
  const redis = await ownedRedis(t)
  const nothing = { ready: () => {}, lost: () => {} }
  const gateOf = async (lease: number) => {
    const gate = new RedisClients({ kind: 'redis', ...topologyOf(redis), ...usual, lease }, nothing)
    undoAfter(t, () => gate.close())
    await eventually('Redis is there', () => gate.ready)
    return gate
  }
  const caps = { perClient: 1e6, perNetwork: 1e6 }
  const [dead, living] = [await gateOf(1), await gateOf(30_000)]
  const key = `test:open:{${network}}`
  for (let i = 0; i < 200; i++) await dead.enter({ network, held: i, comers: comer(`dead${i}`), caps })
  await sleep(5)
  for (let i = 0; i < 400; i++) await living.enter({ network, held: i, comers: comer(`live${i}`), caps })
  const names = (await redis.command('HKEYS', key)).split('\n')
  assert.equal(names.filter(name => name.startsWith('live')).length, 400)
  assert.ok(names.length < 520, `${names.length}`)

  const filled = "for i = 1, 5000 do redis.call('HSET', KEYS[1], 'filled' .. i, ARGV[1]) end"
  await redis.command('EVAL', filled, 1, key, 'x'.repeat(10))
  await living.enter({ network, held: 400, comers: comer('late'), caps })
  assert.equal(await redis.command('HEXISTS', key, 'late'), '0')
  const narrow = { ...caps, perNetwork: 401 }
  assert.deepEqual(await living.enter({ network, held: 401, comers: comer('late'), caps: narrow }), ['per_network'])
  await living.tell(network, ['*', 402, 'later', 1, 'live0', 2])
  assert.equal(await redis.command('HEXISTS', key, 'later'), '0', 'nor when it is told')
  assert.deepEqual(
    await living.enter({ network, held: 402, comers: comer('live0', 2), caps: { ...caps, perClient: 2 } }),
    ['per_client'],
  )

  const crowded = `local all = ''
for i = 1, 256 do all = all .. string.format('gate%04d', i) .. struct.pack('>I3I6', 1, 9e14) end
redis.call('HSET', KEYS[1], '*', all)`
  await redis.command('EVAL', crowded, 1, 'test:open:{b}')
  assert.deepEqual(await living.enter({ network: 'b', held: 0, comers: comer('a'), caps }), [null])
  assert.equal(Number(await redis.command('HSTRLEN', 'test:open:{b}', '*')), 256 * 17, 'of no more than 256 gates')
})
