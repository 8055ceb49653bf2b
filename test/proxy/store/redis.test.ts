import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { openStore, type Store } from '@sallyport/proxy/store/index.js'
import { freePort } from '../../support/port.js'
import { type RedisServer, startRedis } from '../../support/redis.js'
import { stopwatch } from '../../support/stopwatch.js'
import { eventually, flushed, StoreWorld } from '../../support/store-world.js'
import { timeTravel } from '../../support/time-travel.js'
import { type Subject, storeContract } from './store.contract.js'

const commandWait = 50
/** What a busy test machine may add to a wait, in ms. */
const slack = 300
/** For tests in which Redis is well: a busy machine is no failure. */
const patience = 2000

function openRedis(port: number, world: StoreWorld, wait: number, password: string | null = null, forKnown = wait) {
  const url = `redis://127.0.0.1:${port}`
  const waits = { commandWait: wait, grace: forKnown }
  return openStore({ kind: 'redis', url, password, prefix: 'test:', ...waits, clients: 10_000 }, world)
}

const up = (store: Store) => eventually('the store is up', () => store.health.up)
const down = (store: Store) => eventually('the store is down', () => !store.health.up)
const pass = (name: string) => ({ passed: { [name]: 1000 }, failed: {} })
const failure = (name: string) => ({ passed: {}, failed: { [name]: 1000 } })
/** A Redis with two stores on it. */
async function openPair() {
  const redis = await startRedis()
  const worlds = [new StoreWorld(), new StoreWorld()] as const
  const stores = [openRedis(redis.port, worlds[0], patience), openRedis(redis.port, worlds[1], patience)] as const
  await up(stores[0])
  await up(stores[1])
  return { redis, worlds, stores }
}

/** Teaches one store and recalls from another. */
async function openShared(): Promise<Subject> {
  const { redis, worlds, stores } = await openPair()
  const [teacher, reader] = stores
  return {
    store: {
      recall: client => reader.recall(client),
      remember: (client, lesson) => teacher.remember(client, lesson),
      greylist: (name, times) => reader.greylist(name, times),
      rate: (place, counted) => reader.rate(place, counted),
      enter: (visitor, caps) => reader.enter(visitor, caps),
      spare: (network, question) => reader.spare(network, question),
      leave: visitor => reader.leave(visitor),
      greylistLeft: (name, times) => reader.greylistLeft(name, times),
      rateLeft: (place, counted) => reader.rateLeft(place, counted),
      renew: weights => {
        for (const each of [teacher, reader]) each.renew(weights)
      },
      onBlock: listener => reader.onBlock(listener),
      forget: client => teacher.forget(client),
      get health() {
        return { ...reader.health, remembers: teacher.health.remembers, rememberErrors: teacher.health.rememberErrors }
      },
      close: () => reader.close(),
    },
    advance: async seconds => {
      for (const world of worlds) world.seconds += seconds
      await redis.command('EVAL', timeTravel, 0, seconds)
    },
    settle: () => flushed(teacher),
    end: async () => {
      await teacher.close()
      await reader.close()
      await redis.stop()
      // The suite was answered by Redis and by nothing else.
      assert.equal(reader.health.fallbacks, 0)
      assert.deepEqual([...worlds[0].lines, ...worlds[1].lines], [])
    },
  }
}
storeContract('Redis, taught by one gate and recalled by another', openShared)

storeContract('Redis, one gate', async () => {
  const redis = await startRedis()
  const world = new StoreWorld()
  const store = openRedis(redis.port, world, patience)
  await up(store)
  return {
    store,
    advance: async seconds => {
      world.seconds += seconds
      await redis.command('EVAL', timeTravel, 0, seconds)
    },
    settle: () => flushed(store),
    end: async () => {
      await store.close()
      await redis.stop()
      assert.equal(store.health.fallbacks, 0)
    },
  }
})

storeContract(
  'Redis that is down',
  async () => {
    const world = new StoreWorld()
    const store = openRedis(await freePort(), world, patience)
    return {
      store,
      advance: world.advance,
      settle: async () => undefined,
      end: async () => {
        await store.close()
        assert.equal(store.health.fallbacks, store.health.recalls)
      },
    }
  },
  false,
)

describe('a Redis that fails', () => {
  const opened: (() => Promise<void>)[] = []
  after(async () => {
    for (const close of opened.reverse()) await close()
  })

  async function start(port?: number, settings: string[] = []): Promise<RedisServer> {
    const redis = await startRedis(port, settings)
    opened.push(() => redis.stop())
    return redis
  }

  function open(port: number, wait = commandWait, password: string | null = null, forKnown = wait) {
    const world = new StoreWorld()
    const store = openRedis(port, world, wait, password, forKnown)
    opened.push(() => store.close())
    return { store, world }
  }

  /** A store that Redis answers, however long that took. */
  async function openUp(port: number, wait = commandWait, password: string | null = null, forKnown = wait) {
    const opened = open(port, wait, password, forKnown)
    await up(opened.store)
    opened.world.lines.length = 0
    return opened
  }

  async function timed<T>(run: () => Promise<T>): Promise<{ answer: T; took: number }> {
    const took = stopwatch()
    const answer = await run()
    return { answer, took: took() }
  }

  it('by being killed is replaced by what this gate knows, and used again when it is back', async () => {
    const redis = await start()
    const { store, world } = await openUp(redis.port)
    const other = await openUp(redis.port)
    other.store.remember('192.0.2.1', pass('pregreet'))
    store.remember('192.0.2.2', pass('dnsbl'))
    await other.store.recall('192.0.2.9')
    await store.recall('192.0.2.1')

    await redis.stop()
    await down(store)
    const { answer, took } = await timed(() =>
      Promise.all(['192.0.2.1', '192.0.2.2'].map(client => store.recall(client))),
    )
    assert.deepEqual(
      answer.map(record => record.passed),
      [['pregreet'], ['dnsbl']],
    )
    assert.ok(took < slack, `${took} ms`)
    store.remember('192.0.2.5', failure('pregreet'))
    assert.equal(await store.forget('192.0.2.5'), false)
    store.remember('192.0.2.3', failure('pipelining'))
    assert.deepEqual((await store.recall('192.0.2.3')).failed, ['pipelining'])
    assert.equal(await store.forget('192.0.2.2'), false)
    await eventually('it has tried to come back', () => world.lines.length > 0)
    assert.equal(world.lines.length, 1)
    assert.match(world.lines[0] ?? '', /^warn Redis does not answer/)

    await start(redis.port)
    await up(store)
    await up(other.store)
    assert.equal(world.lines.length, 2)
    assert.match(world.lines[1] ?? '', /^info Redis answers again/)
    await eventually('what was learnt meanwhile is in Redis', async () => {
      const { failed } = await other.store.recall('192.0.2.3')
      return failed.includes('pipelining')
    })
    assert.deepEqual((await other.store.recall('192.0.2.5')).failed, [], 'forgotten before it was written')
    // Redis was started empty, and it is Redis that is believed.
    assert.deepEqual((await store.recall('192.0.2.1')).passed, [])
  })

  it('by hanging costs one client its wait, for whatever it asks; who comes then waits for nothing, before and after it is given up', async () => {
    const redis = await start()
    const wait = 1_000
    const { store } = await openUp(redis.port, wait)
    const [times, caps] = [
      { delay: 60, window: 3600, keep: 3600 },
      { perClient: 9, perNetwork: 9 },
    ]
    const counted = [{ name: '', rate: { count: 9, period: 60 } }]
    redis.pause()
    const { took } = await timed(() => store.recall('192.0.2.9'))
    assert.ok(took > wait - 10, `${took} ms`)
    const rest = await timed(() =>
      Promise.all([
        ...Array.from({ length: 100 }, (_, i) => store.recall(`192.0.2.${i}`)),
        store.greylist('one', times),
        store.rate('192.0.2.0/24', counted),
        store.enter({ client: '192.0.2.9', network: '192.0.2.0/24' }, caps),
      ]),
    )
    assert.ok(store.health.up, 'it is not given up yet')
    assert.ok(rest.took < wait / 2, `${rest.took} ms`)
    await down(store)
    redis.resume()
    await up(store)
  })

  it('by being late once is not given up, and is waited for again as soon as it answers', async () => {
    const redis = await start()
    const { store, world } = await openUp(redis.port)
    redis.pause()
    await store.recall('192.0.2.9')
    redis.resume()
    await eventually('it is believed again', async () => {
      const { fallbacks } = store.health
      await store.recall('192.0.2.8')
      return store.health.fallbacks === fallbacks
    })
    assert.deepEqual(world.lines, [])
  })

  it('by hanging is given up, and is back when it is', async () => {
    const redis = await start()
    const { store, world } = await openUp(redis.port)
    store.remember('192.0.2.1', pass('pregreet'))
    await store.recall('192.0.2.1')
    redis.pause()
    const { answer } = await timed(() => store.recall('192.0.2.9'))
    assert.deepEqual(answer.passed, [])
    await down(store)
    // By commands of the gate's own, long before a connection that says nothing is dropped.
    assert.match(world.lines[0] ?? '', /Command timed out/)
    const { took } = await timed(() => Promise.all(Array.from({ length: 1000 }, () => store.recall('192.0.2.9'))))
    assert.ok(took < slack, `${took} ms`)
    assert.deepEqual((await store.recall('192.0.2.1')).passed, ['pregreet'])
    assert.equal(store.health.recallErrors, 1)
    // Long enough for a probe and for the connection to be given up: still one warning.
    await new Promise(resolve => setTimeout(resolve, 1500))
    assert.equal(world.lines.length, 1)

    redis.resume()
    await up(store)
    assert.deepEqual(
      world.lines.map(line => line.slice(0, 4)),
      ['warn', 'info'],
    )
    store.remember('192.0.2.4', pass('dnsbl'))
    const fallbacks = store.health.fallbacks
    assert.deepEqual((await store.recall('192.0.2.4')).passed, ['dnsbl'])
    assert.equal(store.health.fallbacks, fallbacks)
  })

  it('by hanging costs those who are known here for good a few ms once, long before that is certain', async () => {
    const redis = await start()
    const { store } = await openUp(redis.port, patience, null, 5)
    store.remember('192.0.2.1', pass('pregreet'))
    await eventually('it is confirmed', () => store.health.remembers === 1)
    redis.pause()
    for (let i = 0; i < 3; i++) {
      const { answer, took } = await timed(async () => [
        await store.recall('192.0.2.1'),
        await store.recall('192.0.2.0/24', '192.0.2.1'),
      ])
      assert.deepEqual(answer[0]?.passed, ['pregreet'])
      assert.ok(took < slack, `recall ${i} took ${took} ms`)
    }
    assert.equal(store.health.up, true)
    const begun = performance.now()
    for (let i = 0; i < 100; i++) await store.recall('192.0.2.1')
    assert.ok(performance.now() - begun < 5 * 100, 'not 5 ms each time')
    redis.resume()
  })

  it('by being slow is asked all the same, and believed once it has answered', async () => {
    const redis = await start(undefined, ['--enable-debug-command', 'local'])
    const { store } = await openUp(redis.port, patience, null, 5)
    const other = await openUp(redis.port, patience)
    store.remember('192.0.2.1', pass('pregreet'))
    await eventually('it is confirmed', () => store.health.remembers === 1)
    other.store.remember('192.0.2.1', failure('dnsbl'))
    await other.store.recall('192.0.2.9')
    const slow = redis.command('DEBUG', 'SLEEP', 0.5)
    let asked = 0
    // Another each time: one that many ask for would be answered here.
    await eventually(
      'it is slow',
      async () => (await timed(() => store.recall(`198.51.100.${asked++ % 250}`))).took > 100,
    )
    await slow
    await store.recall('192.0.2.1')
    await eventually('the other gate is believed', async () => (await store.recall('192.0.2.1')).failed.length === 1)
    // Of whom something bad is known nobody guesses.
    const { fallbacks } = store.health
    await store.recall('192.0.2.1')
    assert.equal(store.health.fallbacks, fallbacks)
  })

  it('by hanging under two hundred recalls at once leaves none without an answer', async () => {
    const redis = await start()
    const { store } = await openUp(redis.port)
    redis.pause()
    const { answer, took } = await timed(() =>
      Promise.all(Array.from({ length: 200 }, (_, i) => store.recall(`192.0.2.${i}`))),
    )
    assert.equal(answer.length, 200)
    assert.equal(store.health.recallErrors, 200)
    assert.ok(took < commandWait + slack, `${took} ms`)
    redis.resume()
    await up(store)
  })

  it('by hanging is not sent more than a thousand commands', async () => {
    const redis = await start()
    const { store } = await openUp(redis.port)
    redis.pause()
    await Promise.all(Array.from({ length: 3000 }, (_, i) => store.recall(`192.0.2.${i}`)))
    assert.equal(store.health.recallErrors, 1000)
    assert.equal(store.health.fallbacks, 3000)
    redis.resume()
  })

  it('by being full is read, and written again when there is room', async () => {
    const redis = await start()
    const { store, world } = await openUp(redis.port, patience)
    store.remember('192.0.2.1', pass('pregreet'))
    await store.recall('192.0.2.1')
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1mb')
    store.remember('192.0.2.2', pass('pregreet'))
    store.remember('192.0.2.3', pass('pregreet'))
    await eventually('the writes have failed', () => store.health.rememberErrors === 2)
    const { fallbacks } = store.health
    assert.deepEqual((await store.recall('192.0.2.1')).passed, ['pregreet'])
    assert.equal(store.health.fallbacks, fallbacks, 'read from Redis')
    assert.deepEqual((await store.recall('192.0.2.2')).passed, ['pregreet'], 'what could not be written is known here')
    assert.equal(store.health.up, true)
    assert.equal(world.lines.length, 1)
    assert.match(world.lines[0] ?? '', /^warn Redis refuses writes \(OOM/)

    await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    store.remember('192.0.2.4', pass('pregreet'))
    const reader = await openUp(redis.port, patience)
    const known = async (client: string) => (await reader.store.recall(client)).passed.length === 1
    await eventually('all is written', async () => (await known('192.0.2.2')) && (await known('192.0.2.4')))
  })

  it('by becoming a replica is read, and written again when it is none', async () => {
    const redis = await start()
    const { store, world } = await openUp(redis.port, patience)
    store.remember('192.0.2.1', pass('pregreet'))
    await store.recall('192.0.2.1')
    await redis.command('REPLICAOF', '127.0.0.1', await freePort())
    store.remember('192.0.2.1', failure('pregreet'))
    await eventually('the write has failed', () => store.health.rememberErrors === 1)
    assert.deepEqual(
      await store.recall('192.0.2.1'),
      { passed: [], failed: ['pregreet'], repute: null },
      'what was learnt last counts',
    )
    assert.equal(store.health.up, true)
    assert.match(world.lines.join(), /^warn Redis refuses writes \(READONLY/)

    // Nothing new is learnt, and nobody calls.
    await redis.command('REPLICAOF', 'NO', 'ONE')
    const reader = await openUp(redis.port, patience)
    await eventually('the lesson is written', async () => {
      const { failed } = await reader.store.recall('192.0.2.1')
      return failed.join() === 'pregreet'
    })
  })

  it('by not knowing our password is done without, and used when it does', async () => {
    const redis = await start(undefined, ['--requirepass', 'right'])
    const { store, world } = open(redis.port, patience, 'wrong')
    await eventually('it was refused', () => world.lines.length > 0)
    assert.match(world.lines[0] ?? '', /^warn Redis does not answer \(.*WRONGPASS/)
    store.remember('192.0.2.1', pass('pregreet'))
    assert.deepEqual((await store.recall('192.0.2.1')).passed, ['pregreet'])
    const { store: known } = open(redis.port, patience, 'right')
    await up(known)

    await redis.command('CONFIG', 'SET', 'requirepass', 'wrong')
    await up(store)
    await eventually(
      'what was learnt meanwhile is shared',
      async () => (await known.recall('192.0.2.1')).passed.length === 1,
    )
    assert.deepEqual(
      world.lines.map(line => line.slice(0, 4)),
      ['warn', 'info'],
    )
    assert.ok(!world.lines.join().includes('wrong'))
  })

  it('says at the end what could not be written', async () => {
    const { store, world } = open(await freePort())
    await eventually('it was tried', () => world.lines.length === 1)
    store.remember('192.0.2.1', pass('pregreet'))
    await store.close()
    assert.match(world.lines[1] ?? '', /^warn what was learnt of 1 clients/)
  })
})
