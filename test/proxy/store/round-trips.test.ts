// What a session costs a real Redis: writes to its socket, round trips, commands.

import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Memory } from '@sallyport/proxy/memory.js'
import { noteHeard } from '@sallyport/proxy/session/heard.js'
import { Session } from '@sallyport/proxy/session/session.js'
import { openStore } from '@sallyport/proxy/store/index.js'
import { excessSpan } from '@sallyport/proxy/store/leases/hot-excess.js'
import { mostUnderWay } from '@sallyport/proxy/store/rates/rate-queue.js'
import { hotFrom, hotSpan } from '@sallyport/proxy/store/shared/hot-recalls.js'
import { clientKey, identitiesOf, judge, NetworkSet, networkKey } from '@sallyport/rules'
import { addressOf } from '../../support/address.ts'
import { makeHouse } from '../../support/house.ts'
import { Recorder } from '../../support/recorder.ts'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { passOf } from '../../support/spf.ts'
import { eventually } from '../../support/store-world.ts'

const limits = { address: 10, network: 50, period: 3600 } as const
/** Connections of all gates; as usual. */
const caps = { perClient: 50, perNetwork: 500 } as const
const house = makeHouse({
  asks: ['rate', 'greylist', 'spf', 'reverse-name'],
  policy: { checks: { rate: { action: 'defer', options: limits } } },
})
const discretion = { learnPrivate: false, proxies: NetworkSet.of([]), disbelieved: new Set<never>() }

async function openMemory(t: TestContext) {
  const redis = await startRedis()
  t.after(() => redis.stop())
  const url = `redis://127.0.0.1:${redis.port}`
  const store = openStore(
    { kind: 'redis', url, password: null, prefix: 'sallyport:', commandWait: 10_000, grace: 10_000, clients: 1000 },
    { log: { info() {}, warn() {} }, now: () => Math.floor(Date.now() / 1000) },
  )
  t.after(() => store.close())
  await eventually('Redis is there', () => store.health.up)
  const memory = new Memory(store)
  // The scripts are loaded with the first call of each.
  await memory.rate(sessionOf('198.51.100.1'), '198.51.100.1')
  await memory.recall('198.51.100.1', addressOf('198.51.100.1'))
  await store.enter({ client: '198.51.100.1', network: '198.51.100.0/24' }, caps)
  store.remember('198.51.100.1', { passed: { pregreet: 1000 }, failed: {} })
  await eventually('the scripts are loaded', () => store.health.remembers === 1)
  return { redis, store, memory }
}

function sessionOf(client: string): Session {
  const about = { id: 'REF', client: addressOf(client), clientPort: 4567, proxy: null, server: null } as const
  const rest = { access: 'none', dice: 0.5, greetWait: 6_000, disarmed: new Set<never>(), health: false } as const
  return new Session(house, { ...about, ...rest, starttls: 'off', tls: null }, new Recorder(), 0)
}

const socketMethods = Socket.prototype as unknown as Record<'_write' | '_writev', (...args: unknown[]) => unknown>

/** Counts what this process writes to a port, while `run` runs and what it began goes on. */
async function writesTo(port: number, run: () => unknown): Promise<number> {
  let writes = 0
  const { _write, _writev } = socketMethods
  const counting = (real: typeof _write) =>
    function (this: Socket, ...args: unknown[]) {
      if (this.remotePort === port) writes++
      return real.apply(this, args)
    }
  socketMethods._write = counting(_write)
  socketMethods._writev = counting(_writev)
  try {
    await run()
    await new Promise(resolve => setTimeout(resolve, 50))
  } finally {
    Object.assign(socketMethods, { _write, _writev })
  }
  return writes
}

/** Calls of scripts that Redis has counted so far. */
async function calls(redis: RedisServer): Promise<number> {
  const info = await redis.command('INFO', 'commandstats')
  return [...info.matchAll(/^cmdstat_evalsha(?:_ro)?:calls=(\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** In how many spans of hot names it was asked at most. */
const spansSince = (started: number): number => Math.floor((performance.now() - started) / hotSpan) + 2

test('the way in is one write and one round trip: all that is asked goes out before anything is answered', async t => {
  const { redis, memory } = await openMemory(t)
  const session = sessionOf('192.0.2.1')
  const before = await calls(redis)
  const writes = await writesTo(redis.port, async () => {
    const [recalled, over] = await Promise.all([
      memory.recall('192.0.2.1', session.arrival.client),
      memory.rate(session, '192.0.2.1'),
    ])
    assert.deepEqual([recalled.client, over], [null, null])
  })
  assert.equal(writes, 1)
  assert.equal((await calls(redis)) - before, 3, 'address, network, and the rates of both')
})

test('the way out is one write, whatever a session taught, and so is that of many sessions in one turn', async t => {
  const { redis, store, memory } = await openMemory(t)
  const taught = (client: string) => {
    const session = sessionOf(client)
    const { facts } = session
    facts.reverse = { kind: 'confirmed', name: 'mx1.example.net' }
    facts.spf = passOf('example.org')
    assert.equal(identitiesOf(facts, session.arrival.client).length, 2)
    judge(facts, session.plan, session.tally)
    noteHeard(session, 'dot', { code: 550, text: '550 5.7.1 Spam message rejected\r\n' })
    return session
  }
  const one = taught('192.0.2.1')
  const before = store.health.remembers
  assert.equal(await writesTo(redis.port, () => memory.learn(one, '192.0.2.1', discretion)), 1)
  assert.equal(store.health.remembers - before, 4, 'its address, its network, its name, its sender')
  const many = Array.from({ length: 50 }, (_, i) => `203.${i}.113.1`).map(client => [client, taught(client)] as const)
  const writes = await writesTo(redis.port, () => {
    for (const [client, session] of many) memory.learn(session, client, discretion)
  })
  // What was learnt of the same names while they were written goes out with the answers.
  assert.ok(writes <= 4, `${writes}`)
})

test('a thousand connections of one network cost Redis as many questions as it has addresses, and are let in', async t => {
  const { redis, store, memory } = await openMemory(t)
  const before = await calls(redis)
  const come = async (i: number) => {
    const client = addressOf(`192.0.2.${i % 250}`)
    const session = sessionOf(client.text)
    const key = clientKey(client)
    const place = store.enter({ client: key, network: networkKey(client) }, caps)
    const asked = [memory.recall(key, client), memory.rate(session, key), place] as const
    const [, over, excess] = await Promise.all(asked)
    return { over, excess }
  }
  let started = performance.now()
  const atOnce = await Promise.all(Array.from({ length: 1000 }, (_, i) => come(i)))
  assert.equal(atOnce.filter(({ over }) => over === null).length, limits.network)
  assert.equal(atOnce.filter(({ excess }) => excess === null).length, caps.perNetwork)
  const first = (await calls(redis)) - before
  t.diagnostic(`at once: ${first} commands`)
  // Each address and the network, once in each second; and the rates of those who were let in.
  const recalls = (250 + 1) * spansSince(started)
  const places = 1 + Math.ceil(caps.perNetwork / 100)
  assert.ok(first <= recalls + limits.network + mostUnderWay + places, `${first} commands`)

  started = performance.now()
  for (let i = 0; i < 1000; i++) {
    const { over, excess } = await come(i % 10)
    assert.ok(over !== null && excess !== null)
  }
  const spans = spansSince(started)
  const second = (await calls(redis)) - before - first
  t.diagnostic(`one after the other, of ten addresses: ${second} commands in ${spans} spans`)
  const asked = spans * (11 * hotFrom + hotSpan / excessSpan)
  assert.ok(second <= asked, `${second} commands in ${spans} spans`)
})
