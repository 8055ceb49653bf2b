import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { openStore, type Store } from '@sallyport/proxy/store/index.js'
import type { RedisServer } from '../../support/redis.js'
import { startWatched } from '../../support/redis-topology.js'
import { stopwatch } from '../../support/stopwatch.js'
import { eventually, StoreWorld } from '../../support/store-world.js'
import { saidOfLost } from './lost.js'

const commandWait = 200
/** What a busy test machine may add to a wait, in ms. */
const slack = 300
/** What Sentinel, the replica and the gate have for a failover, in ms; a Sentinel that was not let run trusts nothing for 30 s. */
const failover = 90_000

const lesson = { passed: { pregreet: 1000 }, failed: {} }

const settingsAt = (sentinel: Pick<RedisServer, 'port'>) => ({
  kind: 'redis' as const,
  sentinels: [{ host: '127.0.0.1', port: sentinel.port }],
  masterName: 'mail',
  sentinelPassword: null,
  password: null,
  prefix: 'test:',
  commandWait,
  grace: commandWait,
  clients: 10_000,
})

async function openAt(
  t: TestContext,
  sentinel: Pick<RedisServer, 'port'>,
): Promise<{ store: Store; world: StoreWorld }> {
  const world = new StoreWorld()
  const store = openStore(settingsAt(sentinel), world)
  t.after(() => store.close())
  await eventually('the store is up', () => store.health.up, 10_000)
  world.lines.length = 0
  return { store, world }
}

/** Recalls a client that is known, again and again, until something is so; none may wait long, or find it unknown. */
async function recallUntil(store: Store, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + failover
  while (!(await isSo())) {
    assert.ok(performance.now() < deadline, 'there is no new master')
    const took = stopwatch()
    const { passed } = await store.recall('192.0.2.1')
    const ms = took()
    assert.deepEqual(passed, ['pregreet'])
    assert.ok(ms < commandWait + slack, `${ms} ms`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

// A server that is being promoted drops its connections, and with them what is asked of it: no answer is none yet.
/** How many clients a server remembers: each has a key of its own. */
const keys = async (redis: RedisServer) => Number(await redis.command('DBSIZE').catch(() => 'none'))
const isMaster = async (redis: RedisServer) => (await redis.command('ROLE').catch(() => 'none')).startsWith('master')

test('Sentinel: when the master is killed nobody waits long, and the replica is written to afterwards', async t => {
  const { master, replica, sentinel } = await startWatched(t)
  const { store, world } = await openAt(t, sentinel)
  store.remember('192.0.2.1', lesson)
  await eventually('the replica has it, too', async () => (await keys(replica)) === 1)

  await master.stop()
  await recallUntil(store, async () => (await isMaster(replica)) && store.health.up)
  assert.deepEqual(
    world.lines.map(line => line.slice(0, 30)),
    ['warn Redis does not answer (th', 'info Redis answers again: clie'],
    world.lines.join('\n'),
  )
  store.remember('192.0.2.2', lesson)
  await eventually('the new master has what is learnt now', async () => (await keys(replica)) === 2)
})

/** The port of a way to a server, whose answers come so many ms later by it. */
async function lateBy(t: TestContext, port: number, ms: number): Promise<number> {
  const way = createServer(client => {
    const server = connect(port, '127.0.0.1')
    server.on('data', octets => void setTimeout(() => client.write(octets), ms))
    client.pipe(server)
    for (const [end, other] of [
      [client, server],
      [server, client],
    ] as const) {
      end.on('error', () => undefined)
      end.on('close', () => other.destroy())
    }
  })
  await new Promise<void>(resolve => way.listen(0, '127.0.0.1', resolve))
  t.after(() => way.close())
  return (way.address() as AddressInfo).port
}

test('Sentinel: a new master is found also where it is told of while the gate asks for one', async t => {
  const { master, replica, sentinel } = await startWatched(t)
  // So the news comes in the middle of a question more often than not, where ioredis alone gives up for ever.
  const { store } = await openAt(t, { port: await lateBy(t, sentinel.port, 300) })
  await master.stop()
  await eventually('it is done without', () => !store.health.up)
  await eventually('the new master is found', () => store.health.up, failover)
  assert.ok(await isMaster(replica))
})

test('Sentinel: a failover that somebody asks for costs a few waits, and the new master is written to', async t => {
  const { replica, sentinel } = await startWatched(t)
  const { store, world } = await openAt(t, sentinel)
  store.remember('192.0.2.1', lesson)
  await eventually('the replica has it, too', async () => (await keys(replica)) === 1)

  // It first looks whether the replica is fit for it.
  const failOver = async () => (await sentinel.command('SENTINEL', 'FAILOVER', 'mail')) === 'OK'
  await eventually('the Sentinel begins', failOver, 20_000)
  let learnt = 0
  await recallUntil(store, async () => {
    if (!(await isMaster(replica)) || !store.health.up) return false
    store.remember(`198.51.100.${learnt++ % 250}`, lesson)
    return (await keys(replica)) > 1
  })
  assert.ok(world.lines.length <= 4, world.lines.join('\n'))
})

test('Sentinel that is not there is done without, and said to be gone once', async t => {
  const { sentinel } = await startWatched(t)
  await sentinel.stop()
  assert.match(
    await saidOfLost(t, settingsAt(sentinel)),
    /^warn Redis does not answer \(All sentinels are unreachable.*/,
  )
})
