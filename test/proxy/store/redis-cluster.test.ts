import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore, type Store } from '@sallyport/proxy/store/index.js'
import { endAloud } from '@sallyport/proxy/store/redis/ending.js'
import { RedisClients } from '@sallyport/proxy/store/redis/redis.js'
import { openOne, usualOptions } from '@sallyport/proxy/store/redis/redis-connection.js'
import { freePort } from '../../support/port.js'
import { type RedisServer, redisPrograms } from '../../support/redis.js'
import { rightsFor } from '../../support/redis-rights.js'
import { startCluster, startReplica } from '../../support/redis-topology.js'
import { stopwatch } from '../../support/stopwatch.js'
import { eventually, StoreWorld } from '../../support/store-world.js'
import { timeTravel } from '../../support/time-travel.js'
import { saidOfLost } from './lost.js'
import { storeContract } from './store.contract.js'

const commandWait = 200
/** What a busy test machine may add to a wait, in ms. */
const slack = 300
/** For tests in which Redis is well: a busy machine is no failure. */
const patience = 2000

const settings = (nodes: readonly RedisServer[], wait: number) => ({
  kind: 'redis' as const,
  cluster: nodes.slice(0, 2).map(({ port }) => ({ host: '127.0.0.1', port })),
  password: null,
  prefix: 'test:',
  commandWait: wait,
  grace: wait,
  clients: 10_000,
})

async function openUp(nodes: readonly RedisServer[], wait: number): Promise<{ store: Store; world: StoreWorld }> {
  const world = new StoreWorld()
  const store = openStore(settings(nodes, wait), world)
  await eventually('the store is up', () => store.health.up, 10_000)
  return { store, world }
}

const lesson = { passed: { pregreet: 1000 }, failed: {} }
const addresses = Array.from({ length: 60 }, (_, i) => `192.0.2.${i}`)

storeContract('a cluster of Redis', async () => {
  const undo: (() => Promise<void> | void)[] = []
  const nodes = await startCluster({ after: stop => void undo.push(stop) })
  const { store, world } = await openUp(nodes, patience)
  let settled = 0
  return {
    store,
    advance: async seconds => {
      world.seconds += seconds
      for (const node of nodes) await node.command('EVAL', timeTravel, 0, seconds)
    },
    // Of clients that nobody has met: what many ask for is not asked each time.
    settle: async () => {
      settled++
      await Promise.all(addresses.map(client => store.recall(`${client}.${settled}`)))
    },
    end: async () => {
      await store.close()
      for (const stop of undo) await stop()
      assert.equal(store.health.fallbacks, 0)
      assert.deepEqual(world.lines, [])
    },
  }
})

/** How many keys each node has. */
async function keysOf(nodes: readonly RedisServer[]): Promise<number[]> {
  return Promise.all(nodes.map(async node => Number(await node.command('DBSIZE'))))
}

test('a cluster: all that is known of a client is in one key of one node, and clients are on all nodes', async t => {
  const nodes = await startCluster(t)
  const redis = new RedisClients(settings(nodes, patience), { ready: () => {}, lost: () => {} })
  t.after(() => redis.close())
  await eventually('the cluster is there', () => redis.ready)
  const repute = { score: 1, accepted: 1, content: 0, unknown: 0 }
  await redis.remember('192.0.2.1', { passed: { pregreet: 1000 }, failed: { dnsbl: 1000 }, repute })
  assert.deepEqual((await keysOf(nodes)).toSorted(), [0, 0, 1])
  const at = nodes.find(({ port }) => redis.nodeOf('192.0.2.1') === `127.0.0.1:${port}`)
  assert.equal(await at?.command('DBSIZE'), '1')
  await Promise.all(addresses.map(client => redis.remember(client, lesson)))
  for (const keys of await keysOf(nodes)) assert.ok(keys > 5, `${keys}`)

  // Scripts are loaded anew where a node has lost them.
  for (const node of nodes) await node.command('SCRIPT', 'FLUSH')
  const known = await Promise.all(addresses.map(client => redis.recall(client)))
  assert.ok(known.every(({ passed }) => passed['pregreet'] !== undefined))
})

test('a cluster: a node that hangs costs its own clients one wait, and the others nothing', async t => {
  const nodes = await startCluster(t)
  const { store, world } = await openUp(nodes, commandWait)
  t.after(() => store.close())
  const redis = new RedisClients(settings(nodes, patience), { ready: () => {}, lost: () => {} })
  t.after(() => redis.close())
  await eventually('the cluster is there', () => redis.ready)
  const [victim] = nodes
  assert.ok(victim !== undefined)
  const isOfVictim = (client: string) => redis.nodeOf(client) === `127.0.0.1:${victim.port}`
  const [its, others] = [addresses.filter(isOfVictim), addresses.filter(client => !isOfVictim(client))]
  await Promise.all(addresses.map(client => redis.remember(client, lesson)))
  for (const client of addresses) await store.recall(client)
  world.lines.length = 0

  victim.pause()
  const { fallbacks } = store.health
  for (const client of [...its, ...its]) {
    const took = stopwatch()
    const { passed } = await store.recall(client)
    assert.deepEqual(passed, ['pregreet'], 'of this process')
    assert.ok(took() < commandWait + slack, `${took()} ms`)
  }
  assert.equal(store.health.recallErrors, 1, 'then nobody waits')
  assert.equal(store.health.fallbacks, fallbacks + 2 * its.length)
  await eventually('it is given up', () => !store.health.up)
  for (const client of others) assert.deepEqual((await store.recall(client)).passed, ['pregreet'])
  assert.equal(store.health.fallbacks, fallbacks + 2 * its.length, 'the others are answered by Redis')
  assert.equal(world.lines.length, 1, world.lines.join('\n'))
  assert.match(world.lines[0] ?? '', new RegExp(`^warn the Redis node 127.0.0.1:${victim.port} does not answer`))

  // Long enough for the connection to be given up: still one warning.
  await new Promise(resolve => setTimeout(resolve, 1500))
  assert.equal(world.lines.length, 1, world.lines.join('\n'))
  victim.resume()
  await eventually('it is used again', () => store.health.up, 10_000)
  assert.equal(world.lines.length, 2, world.lines.join('\n'))
  assert.match(world.lines[1] ?? '', /^info the Redis node \S+ answers again/)
})

test('a cluster: a node that is killed is done without, and the others go on', async t => {
  const nodes = await startCluster(t)
  const { store, world } = await openUp(nodes, patience)
  t.after(() => store.close())
  for (const client of addresses) store.remember(client, lesson)
  await Promise.all(addresses.map(client => store.recall(client)))
  const [victim] = nodes
  assert.ok(victim !== undefined)
  await victim.stop()
  await eventually('its end is noticed', () => !store.health.up)
  const known = await Promise.all(addresses.map(client => store.recall(client)))
  assert.ok(known.every(({ passed }) => passed.includes('pregreet')))
  const { fallbacks } = store.health
  assert.ok(fallbacks > 5 && fallbacks < 45, `${fallbacks} were answered here`)
  assert.equal(world.lines.length, 1, world.lines.join('\n'))
})

test('a cluster: a replica that takes the place of a node that is killed is asked in its place', async t => {
  const nodes = await startCluster(t)
  const replica = await startReplica(t, nodes)
  const { store, world } = await openUp(nodes, patience)
  t.after(() => store.close())
  for (const client of addresses) store.remember(client, lesson)
  await Promise.all(addresses.map(client => store.recall(client)))
  const [victim] = nodes
  assert.ok(victim !== undefined)
  const keys = await victim.command('DBSIZE')
  await eventually('the replica has it all', async () => (await replica.command('DBSIZE')) === keys)
  await victim.stop()
  await eventually('its end is noticed', () => !store.health.up)
  await eventually('another is in its place', () => store.health.up, 90_000).catch(async cause => {
    // Whether the nodes have not elected it, or the gate has not seen it.
    const [said, nodes] = [world.lines.join('\n'), await replica.command('CLUSTER', 'NODES')]
    throw new Error(`nobody is in its place. The gate said:\n${said}\nThe replica says:\n${nodes}`, { cause })
  })
  await eventually('it is the replica', async () => (await replica.command('ROLE')).startsWith('master'))
  const { fallbacks } = store.health
  const known = await Promise.all(addresses.map(client => store.recall(client)))
  assert.ok(known.every(({ passed }) => passed.includes('pregreet')))
  assert.equal(store.health.fallbacks, fallbacks, 'answered by Redis')
  assert.equal(world.lines.length, 2, world.lines.join('\n'))
  assert.match(world.lines[1] ?? '', /^info others are in the place of the Redis node/)
})

/** It answers as if they had never been of its cluster, for a minute at least. */
async function forgets(node: RedisServer, others: readonly RedisServer[]): Promise<void> {
  for (const other of others) await node.command('CLUSTER', 'FORGET', await other.command('CLUSTER', 'MYID'))
}

test('a cluster: what a replica says of it is not asked for, as one that has lost sight of the others would lead away from them', async t => {
  const nodes = await startCluster(t)
  const replica = await startReplica(t, nodes)
  await forgets(replica, nodes.slice(1))
  const { store, world } = await openUp(nodes, patience)
  t.after(() => store.close())
  // Every two seconds one of them, at random, is asked where the slots are.
  await new Promise(resolve => setTimeout(resolve, 3000))
  assert.deepEqual(world.lines, [])
  assert.doesNotMatch(await replica.command('CLIENT', 'LIST'), /name=\S*sallyport/)
})

test('a cluster: a node that has lost sight of the others does not lead away from them for long', async t => {
  const nodes = await startCluster(t)
  const world = new StoreWorld()
  const all = nodes.map(({ port }) => ({ host: '127.0.0.1', port }))
  const store = openStore({ ...settings(nodes, patience), cluster: all }, world)
  t.after(() => store.close())
  await eventually('the store is up', () => store.health.up)
  const [lost, ...others] = nodes
  assert.ok(lost !== undefined)
  await forgets(lost, others)
  // Every two seconds one of them, at random, is asked where the slots are.
  await eventually('it was asked', () => !store.health.up, 60_000)
  for (const other of others)
    await eventually(
      'the others are found again',
      async () => /name=\S*sallyport/.test(await other.command('CLIENT', 'LIST')),
      60_000,
    )
  await eventually('they are asked again', () => store.health.up, 60_000)
  assert.match(world.lines[0] ?? '', /^warn the Redis node/)
})

test('a cluster: where slots are nobody’s, their node is looked for once, and the others go on', async t => {
  const nodes = await startCluster(t)
  const { store, world } = await openUp(nodes, patience)
  t.after(() => store.close())
  const [one, other, gone] = nodes
  assert.ok(one !== undefined && other !== undefined && gone !== undefined)
  const id = await gone.command('CLUSTER', 'MYID')
  await gone.stop()
  // Together, or the one hears of it from the other again.
  await Promise.all([one, other].map(node => node.command('CLUSTER', 'FORGET', id)))
  // One line for its end; for it all are let go once, which are two lines each.
  await eventually('it was looked for', () => world.lines.length >= 5)
  await new Promise(resolve => setTimeout(resolve, 4500))
  assert.equal(world.lines.length, 5, world.lines.join('\n'))
  const { fallbacks } = store.health
  await Promise.all(addresses.map(client => store.recall(client)))
  assert.ok(store.health.fallbacks - fallbacks < 45, 'of the others Redis knows')
})

test('a cluster of which all nodes refuse as the gate starts is used when one is there', async t => {
  const ports = [await freePort(), await freePort()]
  const world = new StoreWorld()
  const cluster = ports.map(port => ({ host: '127.0.0.1', port }))
  const store = openStore({ ...settings([], commandWait), cluster }, world)
  t.after(() => store.close())
  await eventually('it is said', () => world.lines.length > 0)
  // The one that was tried last is still to be tried again.
  await new Promise(resolve => setTimeout(resolve, 1000))
  await startCluster(t, 2, redisPrograms, ports[0])
  await eventually('the store is up', () => store.health.up)
  assert.equal(world.lines.length, 2, world.lines.join('\n'))
})

test('a connection that is let go between two attempts says that it ends', async () => {
  const usual = usualOptions({ password: null, commandWait }, null)
  const redis = openOne({ url: `redis://127.0.0.1:${await freePort()}` }, usual)
  redis.on('error', () => undefined)
  endAloud(redis)
  await eventually('it waits for its next attempt', () => redis.status === 'reconnecting')
  const ended = new Promise(resolve => redis.once('end', resolve))
  redis.disconnect()
  await ended
  assert.equal(redis.status, 'end')
})

test('a cluster: an ACL user needs the rights of one server, and to ask for the slots', async t => {
  const nodes = await startCluster(t)
  for (const node of nodes)
    await node.command('ACL', 'SETUSER', 'gate', 'on', '>hush', ...rightsFor('test:'), '+cluster|slots')
  const world = new StoreWorld()
  const store = openStore({ ...settings(nodes, patience), username: 'gate', password: 'hush' }, world)
  t.after(() => store.close())
  await eventually('the store is up', () => store.health.up, 10_000)
  for (const client of addresses) store.remember(client, lesson)
  const known = await Promise.all(addresses.map(client => store.recall(client)))
  assert.ok(known.every(({ passed }) => passed.includes('pregreet')))
  await eventually('all is written', async () => (await keysOf(nodes)).reduce((sum, keys) => sum + keys) >= 55)
  assert.deepEqual(world.lines, [])
})

test('a cluster that is not there is done without, and said to be gone once', async t => {
  const nodes = await startCluster(t, 1)
  for (const node of nodes) await node.stop()
  assert.match(await saidOfLost(t, settings(nodes, commandWait)), /^warn Redis does not answer \(.*ECONNREFUSED/)
})
