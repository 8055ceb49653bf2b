// What gates tell each other over a real Redis: one server, Sentinel, a cluster.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openStore, type Store } from '@sallyport/proxy/store/index.js'
import { RedisClients } from '@sallyport/proxy/store/redis/redis.js'
import type { RedisTopology } from '@sallyport/proxy/store/redis/redis-topology.js'
import {
  BlockChannel,
  longestMessage,
  mostHeard,
  mostTold,
  mostUntold,
} from '@sallyport/proxy/store/shared/block-channel.js'
import { zeroCounters } from '@sallyport/proxy/store/store.js'
import { type Lesson, usualFading } from '@sallyport/rules'
import { startRedis } from '../../support/redis.js'
import { rightsFor } from '../../support/redis-rights.js'
import { startCluster, startReplica, startWatched } from '../../support/redis-topology.js'
import { eventually, flushed, StoreWorld } from '../../support/store-world.js'

const trapped: Lesson = { passed: {}, failed: { 'trap-recipient': 1000 } }
const channel = 'test:blocks'

interface Listener {
  readonly store: Store
  readonly world: StoreWorld
  readonly heard: string[]
  /** Of the clients below. */
  readonly calls: string[]
}

/** Clients of which is told only to see whether that is heard. */
const calling = '203.0.113.'

async function open(
  t: TestContext,
  topology: RedisTopology,
  login: { readonly username?: string } = {},
): Promise<Listener> {
  const world = new StoreWorld()
  const password = login.username === undefined ? null : 'hush'
  const settings = { kind: 'redis', prefix: 'test:', password, commandWait: 2000, clients: 10_000 } as const
  const store = openStore({ ...settings, ...topology, ...login }, world)
  t.after(() => store.close())
  const [heard, calls]: [string[], string[]] = [[], []]
  store.onBlock(names => {
    for (const name of names) (name.startsWith(calling) ? calls : heard).push(name)
  })
  await eventually('the store is up', () => store.health.up, 10_000)
  return { store, world, heard, calls }
}

/** Tells of one client after the other until the other gate hears of one. */
async function untilHeard(from: Listener, to: Listener, what: string, wait = 5000): Promise<void> {
  const before = to.calls.length
  let count = 0
  await eventually(
    what,
    () => {
      if (count++ % 20 === 0) from.store.remember(`${calling}${Math.floor(count / 20) % 250}`, trapped)
      return to.calls.length > before
    },
    wait,
  )
}

async function openPair(t: TestContext, topology: RedisTopology): Promise<readonly [Listener, Listener]> {
  const pair = [await open(t, topology), await open(t, topology)] as const
  await untilHeard(pair[0], pair[1], 'the second hears the first')
  await untilHeard(pair[1], pair[0], 'the first hears the second')
  return pair
}

test('a block is told to the other gates and to who listens here, once; other lessons are not', async t => {
  const redis = await startRedis()
  t.after(() => redis.stop())
  const [one, other] = await openPair(t, { url: `redis://127.0.0.1:${redis.port}` })
  const points = (score: number): Lesson => ({
    passed: {},
    failed: {},
    repute: { score, accepted: 0, content: 0, unknown: 0 },
  })
  one.store.remember('198.51.100.1', { passed: { pregreet: 1000 }, failed: { pipelining: 1000 } })
  one.store.remember('198.51.100.2', points(-4))
  // Four points at each gate: together they are a block, and the gate that adds the second knows.
  one.store.remember('name:example.net', points(4))
  await eventually('it is written', () => one.store.health.remembers >= 3)
  const started = performance.now()
  other.store.remember('name:example.net', points(4))
  await eventually('it is heard', () => one.heard.length > 0 && other.heard.length > 0)
  assert.ok(performance.now() - started < 1000)
  other.store.remember('name:example.net', points(4))
  one.store.remember('198.51.100.3', trapped)
  await eventually('the next is heard', () => one.heard.length > 1 && other.heard.length > 1)
  for (const { heard } of [one, other]) assert.deepEqual(heard, ['name:example.net', '198.51.100.3'])
})

test('what is a block counts by the weights that were given last', async t => {
  const redis = await startRedis()
  t.after(() => redis.stop())
  const [one, other] = await openPair(t, { url: `redis://127.0.0.1:${redis.port}` })
  const points: Lesson = { passed: {}, failed: {}, repute: { score: 4, accepted: 0, content: 0, unknown: 0 } }
  one.store.remember('198.51.100.1', points)
  await flushed(one.store)
  for (const { store } of [one, other]) store.renew({ suspectFrom: 3, fading: usualFading })
  one.store.remember('198.51.100.2', points)
  await eventually('it is heard', () => one.heard.length > 0 && other.heard.length > 0)
  for (const { heard } of [one, other]) assert.deepEqual(heard, ['198.51.100.2'])
})

test('what was answered from a hot name is not, behind a block', async t => {
  const redis = await startRedis()
  t.after(() => redis.stop())
  const [one, other] = await openPair(t, { url: `redis://127.0.0.1:${redis.port}` })
  for (let i = 0; i < 20; i++) assert.deepEqual((await other.store.recall('198.51.100.7')).failed, [])
  // The clock of the worlds is not moved: what is hot stays so.
  one.store.remember('198.51.100.7', trapped)
  await eventually('it is heard', () => other.heard.includes('198.51.100.7'))
  assert.deepEqual((await other.store.recall('198.51.100.7')).failed, ['trap-recipient'])
})

test('many blocks at once are told in few messages, and above a bound not at all', async t => {
  const redis = await startRedis()
  t.after(() => redis.stop())
  const listener = await open(t, { url: `redis://127.0.0.1:${redis.port}` })
  const options = { kind: 'redis', prefix: 'test:', password: null, commandWait: 2000, clients: 10 } as const
  const url = `redis://127.0.0.1:${redis.port}`
  const clients = new RedisClients({ ...options, url }, { ready() {}, lost() {} })
  t.after(() => clients.close())
  await eventually('Redis is there', () => clients.ready)
  const [counters, { log, clock }] = [zeroCounters(), new StoreWorld()]
  const teller = new BlockChannel(clients, log, counters, clock)
  t.after(() => teller.close())
  await eventually('there is a listener', async () => (await redis.command('PUBSUB', 'NUMSUB', channel)).endsWith('1'))
  await redis.command('CONFIG', 'RESETSTAT')
  for (let i = 0; i < mostUntold + 200; i++) teller.tell(`192.0.${i >> 8}.${i & 255}`)
  // A name that waits already is not told twice.
  teller.tell('192.0.0.0')
  assert.equal(counters.blocksDropped, 200)
  await eventually('all are told', () => counters.blocksTold === mostUntold)
  await eventually('all that are told are heard', () => listener.heard.length === mostUntold)
  assert.equal(listener.store.health.blocksHeard, mostUntold)
  const info = await redis.command('INFO', 'commandstats')
  assert.equal(Number(/cmdstat_publish:calls=(\d+)/.exec(info)?.[1]), mostUntold / mostTold)
})

test('whatever is said on the channel is bounded, and what is no name is not heard', async t => {
  const redis = await startRedis()
  t.after(() => redis.stop())
  const [listener, other] = await openPair(t, { url: `redis://127.0.0.1:${redis.port}` })
  const say = (message: string) => redis.command('PUBLISH', channel, message)
  const before = listener.store.health
  for (const message of [
    '',
    ' ',
    '1',
    '1 gate',
    '2 gate 192.0.2.1',
    '{"names":["192.0.2.1"]}',
    `1 gate ${'x'.repeat(129)}`,
    '1 gate \x01\x02 caf\u00e9',
    `1 gate ${'192.0.2.1 '.repeat(longestMessage / 10)}`,
  ])
    await say(message)
  await say('1 gate 192.0.2.1 constructor __proto__')
  await eventually('the last is heard', () => listener.heard.includes('__proto__'))
  assert.deepEqual(listener.heard, ['192.0.2.1', 'constructor', '__proto__'])
  // The clock of the worlds may stand still: within a second no more than so many.
  const names = Array.from({ length: mostTold + 10 }, (_, i) => `192.0.2.${i}`).join(' ')
  const flood = Array.from({ length: 60 }, () => `redis.call('PUBLISH', '${channel}', '1 gate ${names}')`).join('\n')
  await redis.command('EVAL', `${flood} return 1`, 0)
  await eventually('it is dropped', () => listener.store.health.blocksDropped > before.blocksDropped)
  const heard = listener.store.health.blocksHeard - before.blocksHeard
  assert.ok(heard <= 2 * mostHeard, `${heard}`)
  await untilHeard(other, listener, 'it still listens')
})

test('an ACL that forbids the channel is told of in one line, and everything else goes on', async t => {
  const redis = await startRedis()
  t.after(() => redis.stop())
  const rights = rightsFor('test:').filter(right => !right.startsWith('&'))
  await redis.command('ACL', 'SETUSER', 'gate', 'on', '>hush', ...rights)
  const { store, world } = await open(t, { url: `redis://127.0.0.1:${redis.port}` }, { username: 'gate' })
  await eventually('it is said', () => world.lines.length > 0)
  store.remember('192.0.2.1', trapped)
  await eventually('it is not told', () => store.health.blocksDropped === 1)
  assert.deepEqual((await store.recall('192.0.2.1')).failed, ['trap-recipient'])
  assert.equal(world.lines.length, 1)
  assert.match(world.lines[0] ?? '', /^warn Redis refuses the channel of blocks \(NOPERM/)
})

test('a Redis that hangs, and one that is started anew, is listened to again; the store says the only lines', async t => {
  const redis = await startRedis()
  t.after(() => redis.stop())
  const [one, other] = await openPair(t, { url: `redis://127.0.0.1:${redis.port}` })
  redis.pause()
  // Until both have given up their connections.
  await new Promise(resolve => setTimeout(resolve, 4000))
  one.store.remember('198.51.100.1', trapped)
  redis.resume()
  await eventually('both are up', () => one.store.health.up && other.store.health.up, 10_000)
  await untilHeard(one, other, 'it is heard again', 10_000)
  await redis.stop()
  await eventually('both are down', () => !one.store.health.up && !other.store.health.up)
  const again = await startRedis(redis.port)
  t.after(() => again.stop())
  await eventually('both are up again', () => one.store.health.up && other.store.health.up, 10_000)
  await untilHeard(one, other, 'it is heard again', 10_000)
  for (const { world } of [one, other])
    assert.ok(
      world.lines.every(line => /Redis (does not answer|answers again)/.test(line)),
      world.lines.join('\n'),
    )
})

test('Sentinel: behind a failover gates hear each other over the new master', async t => {
  const { master, sentinel } = await startWatched(t)
  const sentinels = [{ host: '127.0.0.1', port: sentinel.port }]
  const [one, other] = await openPair(t, { sentinels, masterName: 'mail', sentinelPassword: null })
  await master.stop()
  await eventually('both are down', () => !one.store.health.up && !other.store.health.up, 10_000)
  // A Sentinel that a busy machine has stopped for two seconds decides nothing for thirty (TILT).
  await eventually('both are up again', () => one.store.health.up && other.store.health.up, 60_000)
  await untilHeard(one, other, 'the new master passes it on', 15_000)
  await untilHeard(other, one, 'in both directions', 15_000)
})

test('a cluster: whatever node a gate listens to, it hears of clients of all, and is not deaf for long when that node dies', async t => {
  const nodes = await startCluster(t)
  await startReplica(t, nodes)
  const cluster = nodes.map(({ port }) => ({ host: '127.0.0.1', port }))
  const [one, other] = await openPair(t, { cluster })
  const clients = Array.from({ length: 40 }, (_, i) => `198.51.100.${i}`)
  for (const client of clients) one.store.remember(client, trapped)
  await eventually('all are heard', () => clients.every(client => other.heard.includes(client)))
  // The first has a replica, so that all slots are there again.
  await nodes[0]?.stop()
  await eventually('all nodes are up', () => one.store.health.up && other.store.health.up, 30_000)
  await untilHeard(one, other, 'it is heard over another node', 15_000)
})
