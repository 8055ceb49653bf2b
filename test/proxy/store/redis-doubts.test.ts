// Who is known for good waits for a late Redis no longer than a few ms, and not so once he was blocked. Over a real Redis that is always late: the
// grace of these gates is none.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openStore, type Store, type StoreHealth } from '@sallyport/proxy/store/index.js'
import { Doubts, mostDoubted } from '@sallyport/proxy/store/shared/doubts.js'
import type { Lesson } from '@sallyport/rules'
import { startRedis } from '../../support/redis.js'
import { stopwatch } from '../../support/stopwatch.js'
import { eventually, StoreWorld } from '../../support/store-world.js'

const trapped: Lesson = { passed: {}, failed: { 'trap-recipient': 1000 } }
const pass: Lesson = { passed: { pregreet: 1000 }, failed: {} }
const [client, network] = ['198.51.100.7', '198.51.100.0/24']
const commandWait = 2000

async function open(t: TestContext, port: number, username?: string) {
  const login = username === undefined ? { password: null } : { username, password: 'hush' }
  const settings = { kind: 'redis', prefix: 'test:', url: `redis://127.0.0.1:${port}`, commandWait, grace: 0 } as const
  const world = new StoreWorld()
  const store = openStore({ ...settings, ...login, clients: 10_000 }, world)
  t.after(() => store.close())
  const heard: string[] = []
  store.onBlock(names => heard.push(...names))
  await eventually('the store is up', () => store.health.up)
  return { store, world, heard }
}

/** A Redis with two gates on it: the second knows the client for good, and finds that Redis is late. */
async function openPair(t: TestContext, username?: string) {
  const redis = await startRedis()
  t.after(() => redis.stop())
  const rights = ['~test:*', '&test:*', '-@all', '+@read', '+@scripting', '+@connection', '+time', '+info']
  await redis.command('ACL', 'SETUSER', 'reader', 'on', '>hush', ...rights, '+publish', '+subscribe')
  const one = await open(t, redis.port)
  one.store.remember(client, pass)
  await eventually('it is written', () => one.store.health.remembers === 1)
  const other = await open(t, redis.port, username)
  assert.deepEqual((await other.store.recall(client)).passed, ['pregreet'])
  await untilLate(other.store)
  await eventually('there are listeners', async () =>
    (await redis.command('PUBSUB', 'NUMSUB', 'test:blocks')).endsWith('2'),
  )
  return { redis, one, other }
}

async function untilLate(store: Store): Promise<void> {
  await eventually('Redis is late', async () => {
    const { fallbacks } = store.health
    assert.deepEqual((await store.recall(client)).passed, ['pregreet'])
    return store.health.fallbacks > fallbacks
  })
}

test('a network that is blocked elsewhere is known in the sessions of a good client of it, however late Redis is', async t => {
  const { one, other } = await openPair(t)
  const ask = () => Promise.all([other.store.recall(client), other.store.recall(network, client)])
  await ask()
  one.store.remember(network, trapped)
  await eventually('it is heard', () => other.heard.includes(network))
  // As the open session asks, and the connections after it.
  for (let i = 0; i < 3; i++) {
    const [own, shared] = await ask()
    assert.deepEqual(own?.passed, ['pregreet'])
    assert.deepEqual(shared?.failed, ['trap-recipient'], `recall ${i}`)
  }
})

test('a client that is blocked elsewhere is known so, however late Redis is, and without Redis no good is believed of it', async t => {
  const { redis, one, other } = await openPair(t)
  one.store.remember(client, trapped)
  await eventually('it is heard', () => other.heard.includes(client))
  assert.deepEqual((await other.store.recall(client)).failed, ['trap-recipient'])
  assert.deepEqual((await other.store.recall(client)).failed, ['trap-recipient'])

  const second = '198.51.100.8'
  other.store.remember(second, pass)
  await eventually('it is written', () => other.store.health.remembers === 1)
  one.store.remember(second, trapped)
  await eventually('it is heard', () => other.heard.includes(second))
  await redis.stop()
  await eventually('it is away', () => !other.store.health.up)
  assert.deepEqual((await other.store.recall(second)).passed, [])
})

test('what a gate could not write itself is not lost when the client is blocked elsewhere, and both count', async t => {
  const { one, other } = await openPair(t, 'reader')
  const bad = { score: 2, accepted: 0, content: 1, unknown: 0 }
  other.store.remember(client, { passed: { dnsbl: 1000 }, failed: { pipelining: 1000 }, repute: bad })
  await eventually('it was refused', () => other.store.health.rememberErrors > 0)
  one.store.remember(client, { ...trapped, repute: { ...bad, score: 9 } })
  await eventually('it is heard', () => other.heard.includes(client))
  for (let i = 0; i < 2; i++) {
    const { passed, failed, repute } = await other.store.recall(client)
    assert.deepEqual([...failed].sort(), ['pipelining', 'trap-recipient'], `recall ${i}`)
    assert.deepEqual([...passed].sort(), ['dnsbl', 'pregreet'])
    assert.ok((repute?.score ?? 0) > 8.9, `${repute?.score}`)
  }
})

test('a block that a gate learns while Redis is away is heard in its own sessions', async t => {
  const { redis, other } = await openPair(t)
  await redis.stop()
  await eventually('it is away', () => !other.store.health.up)
  other.store.remember('192.0.2.1', { passed: {}, failed: { pipelining: 1000 } })
  other.store.remember('192.0.2.2', trapped)
  await eventually('it is heard', () => other.heard.length > 0)
  assert.deepEqual(other.heard, ['192.0.2.2'])
  assert.deepEqual((await other.store.recall('192.0.2.2')).failed, ['trap-recipient'])
})

test('who is known for good does not wait for the answer about a rate either', async t => {
  const { redis, other } = await openPair(t)
  redis.pause()
  const counted = [{ name: client, rate: { count: 2, period: 60 } }]
  const took = stopwatch()
  const said: (string | undefined)[] = []
  for (let i = 0; i < 3; i++) said.push((await other.store.rate(network, counted, client))?.name)
  assert.ok(took() < commandWait / 4, `${took()} ms`)
  assert.deepEqual(said, [undefined, undefined, client], 'counted here')
  redis.resume()
})

test('each count of recalls only grows, by cause', async t => {
  const { redis, other } = await openPair(t)
  const causes = ({ recalls, recallErrors, fallbacks }: StoreHealth) => [
    recalls - fallbacks,
    recallErrors,
    fallbacks - recallErrors,
  ]
  let before = causes(other.store.health)
  const falls: string[] = []
  const look = () => {
    const now = causes(other.store.health)
    if (now.some((count, i) => count < (before[i] ?? 0))) falls.push(`${before} became ${now}`)
    before = now
  }
  redis.pause()
  // What was asked for often within the second is not asked for.
  other.world.seconds += 2
  // The question of who did not wait fails while nobody else is answered.
  await other.store.recall(client)
  look()
  await eventually('Redis is given up', () => {
    look()
    return !other.store.health.up
  })
  await other.store.recall('192.0.2.9')
  look()
  assert.deepEqual(falls, [])
  assert.ok((before[2] ?? 0) >= 2, `${before}`)
  redis.resume()
})

test('names in doubt are bounded, and only an answer to a later question ends a doubt', () => {
  const doubts = new Doubts()
  const early = doubts.asked('first')
  doubts.add('first')
  early()
  assert.ok(doubts.has('first'))
  const late = doubts.asked('first')
  doubts.add('first')
  late()
  assert.ok(doubts.has('first'), 'blocked again')
  doubts.asked('first')()
  assert.ok(!doubts.has('first'))
  for (let i = 0; i <= mostDoubted; i++) doubts.add(`${i}`)
  assert.ok(!doubts.has('0') && doubts.has('1') && doubts.has(`${mostDoubted}`))
})
