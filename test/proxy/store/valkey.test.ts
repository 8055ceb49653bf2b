import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore, type Store } from '@sallyport/proxy/store/index.js'
import { type RedisPrograms, startRedis } from '../../support/redis.js'
import { startCluster } from '../../support/redis-topology.js'
import { eventually, flushed, StoreWorld } from '../../support/store-world.js'
import { timeTravel } from '../../support/time-travel.js'
import { unpacked } from '../../support/unpacked.js'
import { storeContract } from './store.contract.js'

const programs: RedisPrograms = {
  server: unpacked('valkey', 'usr/bin/valkey-server'),
  cli: unpacked('valkey', 'usr/bin/valkey-cli'),
}

const usual = {
  kind: 'redis',
  password: null,
  prefix: 'test:',
  commandWait: 2000,
  grace: 2000,
  clients: 10_000,
} as const

async function up(store: Store): Promise<Store> {
  await eventually('the store is up', () => store.health.up, 10_000)
  return store
}

storeContract('Valkey', async () => {
  const valkey = await startRedis(undefined, [], [], programs)
  const world = new StoreWorld()
  const store = await up(openStore({ ...usual, url: `redis://127.0.0.1:${valkey.port}` }, world))
  return {
    store,
    advance: async seconds => {
      world.seconds += seconds
      await valkey.command('EVAL', timeTravel, 0, seconds)
    },
    settle: () => flushed(store),
    end: async () => {
      await store.close()
      await valkey.stop()
      assert.equal(store.health.fallbacks, 0)
      assert.deepEqual(world.lines, [])
    },
  }
})

test('a cluster of Valkey: what one gate learns of clients on all nodes is known to another', async t => {
  const nodes = await startCluster(t, 3, programs)
  const cluster = nodes.map(({ port }) => ({ host: '127.0.0.1', port }))
  const worlds = [new StoreWorld(), new StoreWorld()] as const
  const stores = worlds.map(world => openStore({ ...usual, cluster }, world))
  t.after(() => Promise.all(stores.map(store => store.close())))
  const [teacher, reader] = await Promise.all(stores.map(up))
  const clients = Array.from({ length: 60 }, (_, i) => `192.0.2.${i}`)
  for (const client of clients) teacher?.remember(client, { passed: { pregreet: 1000 }, failed: {} })
  await eventually('all is written', () => teacher?.health.remembers === clients.length)
  for (const client of clients) assert.deepEqual((await reader?.recall(client))?.passed, ['pregreet'], client)
  for (const node of nodes) assert.ok(Number(await node.command('DBSIZE')) > 5)
  assert.deepEqual([...worlds[0].lines, ...worlds[1].lines], [])
})
