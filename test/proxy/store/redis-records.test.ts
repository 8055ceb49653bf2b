import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { openStore, type Store } from '@sallyport/proxy/store/index.js'
import { checksOf, tokenOf } from '@sallyport/proxy/store/redis/check-codes.js'
import { fieldOf } from '@sallyport/proxy/store/redis/client-record.js'
import { checks } from '@sallyport/rules'
import { type RedisServer, startRedis } from '../../support/redis.js'
import { eventually, StoreWorld } from '../../support/store-world.js'
import { timeTravel } from '../../support/time-travel.js'

const nobody = { passed: [], failed: [], repute: null }
const pass = (...names: string[]) => ({ passed: Object.fromEntries(names.map(name => [name, 1000])), failed: {} })
const client = '192.0.2.1'
const stored = fieldOf(client)
const key = `test:${stored.key}`

let redis: RedisServer
let store: Store
const world = new StoreWorld()

before(async () => {
  redis = await startRedis()
  const url = `redis://127.0.0.1:${redis.port}`
  store = openStore(
    { kind: 'redis', url, password: null, prefix: 'test:', commandWait: 10_000, grace: 10_000, clients: 10_000 },
    world,
  )
  await eventually('the store is up', () => store.health.up)
})
beforeEach(async () => void (await redis.command('FLUSHALL')))
after(async () => {
  await store.close()
  await redis.stop()
})

async function remembered(lesson: Parameters<Store['remember']>[1], by = client) {
  store.remember(by, lesson)
  await store.recall(by)
}

const hex = async (): Promise<string> =>
  redis.command(
    'EVAL',
    "return (string.gsub(redis.call('HGET', KEYS[1], ARGV[1]) or '', '.', function(c) return string.format('%02x', string.byte(c)) end))",
    1,
    key,
    stored.field,
  )
/** Puts octets in the place of the client's record. */
const put = (octets: string) =>
  redis.command(
    'EVAL',
    "return redis.call('HSET', KEYS[1], ARGV[1], (string.gsub(ARGV[2], '..', function(h) return string.char(tonumber(h, 16)) end)))",
    1,
    key,
    stored.field,
    octets,
  )
const seconds = async () => Number((await redis.command('TIME')).split('\n')[0])
const ttl = async () => Number(await redis.command('TTL', key))
const hex32 = (value: number) => value.toString(16).padStart(8, '0')

/** Other clients that stand in the part of this one. */
function neighbours(count: number): string[] {
  const found: string[] = []
  for (let i = 0; found.length < count; i++) {
    const name = `name:n${i}.example`
    if (fieldOf(name).key === stored.key) found.push(name)
  }
  return found
}

describe('a record in Redis', () => {
  it('has a letter and a second for each check, and expires with the last of them', async () => {
    await remembered({ passed: { pregreet: 1000, dnsbl: 3000 }, failed: { pipelining: 2000 } })
    const record = Buffer.from(await hex(), 'hex')
    const now = await seconds()
    assert.equal(record[0], 1)
    assert.ok(Math.abs(record.readUInt32BE(1) - now - 3000) <= 2)
    const groups = new Map<string, number>()
    for (let from = 5; from < record.length; ) {
      const end = record.indexOf(0x20, from + 4)
      groups.set(record.toString('latin1', from + 4, end), record.readUInt32BE(from) - now)
      from = end + 1
    }
    assert.deepEqual([...groups.keys()].sort(), ['!p', 'd', 'e'])
    for (const [tokens, left] of [
      ['e', 1000],
      ['d', 3000],
      ['!p', 2000],
    ] as const)
      assert.ok(Math.abs((groups.get(tokens) ?? 0) - left) <= 2, tokens)
    assert.ok(Math.abs((await ttl()) - 3000) <= 2)
  })

  it('says the second once for checks that expire together', async () => {
    await remembered(pass('pregreet', 'dnsbl', 'helo-syntax', 'pipelining'))
    assert.equal((await hex()).length / 2, 5 + 4 + 4 + 1)
  })

  it('loses what has expired at the next write, and never the ttl of the key', async () => {
    await remembered({ passed: { pregreet: 1000, dnsbl: 3000 }, failed: { pipelining: 2000 } })
    await redis.command('EVAL', timeTravel, 0, 1500)
    await remembered({ passed: { access: 100 }, failed: {} })
    const record = await hex()
    assert.equal(record.length / 2, 5 + (4 + 1 + 1) + (4 + 2 + 1) + (4 + '=access;'.length + 1))
    assert.ok(Math.abs((await ttl()) - 1500) <= 2)
  })

  it('is gone with its key when nobody else stands there and it is forgotten', async () => {
    await remembered(pass('pregreet'))
    assert.equal(await redis.command('DBSIZE'), '1')
    assert.equal(await store.forget(client), true)
    assert.equal(await redis.command('DBSIZE'), '0')
  })

  it('is gone when what it said has come to nothing', async () => {
    const repute = { score: 8, accepted: 0, content: 0, unknown: 0 }
    await remembered({ passed: {}, failed: {}, repute })
    await remembered({ passed: {}, failed: {}, repute: { ...repute, score: -8 } })
    assert.equal(await redis.command('DBSIZE'), '0')
  })

  it('of an address or a network stands under its octets, and of a name under that', async () => {
    for (const [name, field] of [
      ['192.0.2.1', '4wAACAQ'],
      ['198.51.100.0/24', 'nxjNk'],
      ['2001:db8:1:2::/64', '6IAENuAABAAI'],
      ['2001:db8:1::/48', 'sIAENuAAB'],
      ['name:mx.example.net', 'name:mx.example.net'],
    ] as const) {
      await remembered(pass('pregreet'), name)
      assert.deepEqual((await store.recall(name)).passed, ['pregreet'])
      assert.equal(await redis.command('HKEYS', `test:${fieldOf(name).key}`), field)
      assert.equal(await store.forget(name), true)
    }
    assert.equal(await redis.command('DBSIZE'), '0')
  })

  it('of before, where an address stood as its text, is not looked at and goes with its ttl', async () => {
    // Over in 2035.
    const record = 'xzzzz'
    await redis.command('HSET', key, client, record)
    await redis.command('EXPIRE', key, 1000)
    assert.deepEqual(await store.recall(client), nobody)
    await remembered(pass('dnsbl'))
    assert.deepEqual((await store.recall(client)).passed, ['dnsbl'])
    assert.equal(await redis.command('HGET', key, client), record)
    assert.deepEqual(world.lines, [])
  })

  it('of a long name stands under its digest', async () => {
    const name = `name:${'long-'.repeat(10)}.example.net`
    await remembered(pass('pregreet'), name)
    assert.deepEqual((await store.recall(name)).passed, ['pregreet'])
    assert.match(await redis.command('HKEYS', `test:${fieldOf(name).key}`), /^#[\w-]{22}$/)
  })

  it('is an unknown client where the key is of another type, and is left alone', async () => {
    await redis.command('SET', key, 'somebody else')
    assert.deepEqual(await store.recall(client), nobody)
    const errors = store.health.rememberErrors
    await remembered(pass('pregreet'))
    assert.equal(store.health.rememberErrors, errors + 1)
    assert.equal(await redis.command('GET', key), 'somebody else')
    assert.deepEqual(world.lines, [])
  })

  it('is an unknown client where it is strange, and is written anew', async () => {
    const later = hex32((await seconds()) + 1000)
    const mail = `${later}0001000001000001`
    for (const strange of [
      '00',
      '31',
      `09${later}`,
      `01${later.slice(2)}`,
      `01${later}${later}`,
      `01${later}${later}2020`,
      `01${later}ffffffff3d3b`,
      `01${later}${later}ff00fe21`,
      `01${later}0000000065`,
      `02${later}${mail}`,
      '01'.repeat(9000),
    ]) {
      await put(strange)
      assert.deepEqual(await store.recall(client), nobody, strange.slice(0, 40))
      await remembered(pass('pregreet'))
      const { passed } = await store.recall(client)
      assert.deepEqual(passed, ['pregreet'], strange.slice(0, 40))
    }
    assert.deepEqual(world.lines, [])
  })

  it('of the earlier form, a key for each client, is not looked at and goes with its ttl', async () => {
    const earlier = `test:client:{${client}}`
    await redis.command('HSET', earlier, 'p:pregreet', (await seconds()) + 1000, 'r', '9.5 1790000000 12 1 3')
    await redis.command('EXPIRE', earlier, 1000)
    assert.deepEqual(await store.recall(client), nobody)
    await remembered(pass('dnsbl'))
    assert.deepEqual((await store.recall(client)).passed, ['dnsbl'])
    assert.equal(await redis.command('HLEN', earlier), '2')
    assert.deepEqual(world.lines, [])
  })

  it('is written and read though the scripts are flushed', async () => {
    await remembered(pass('pregreet'))
    await redis.command('SCRIPT', 'FLUSH')
    assert.deepEqual((await store.recall(client)).passed, ['pregreet'])
    await redis.command('SCRIPT', 'FLUSH')
    store.remember(client, pass('dnsbl'))
    await eventually('the lesson is written', async () => (await hex()).includes('64'))
    assert.equal(store.health.recallErrors, 0)
  })

  it('is older than what was learnt while it was on its way', async () => {
    redis.pause()
    const recalling = store.recall('192.0.2.7')
    store.remember('192.0.2.7', pass('pregreet'))
    redis.resume()
    assert.deepEqual((await recalling).passed, ['pregreet'])
  })
})

describe('a part of Redis', () => {
  const fill = async (expiry: number, count: number) =>
    redis.command(
      'EVAL',
      "for i = 1, tonumber(ARGV[2]) do redis.call('HSET', KEYS[1], 'n' .. i, struct.pack('>BI4I4', 1, ARGV[1], ARGV[1]) .. 'e ') end",
      1,
      key,
      expiry,
      count,
    )
  const size = async () => Number(await redis.command('HLEN', key))

  it('keeps its ttl where a client comes that is remembered for less', async () => {
    const [neighbour = ''] = neighbours(1)
    await remembered({ passed: { pregreet: 5000 }, failed: {} }, neighbour)
    await remembered(pass('pregreet'))
    assert.ok((await ttl()) > 4900)
    await store.forget(client)
    assert.deepEqual((await store.recall(neighbour)).passed, ['pregreet'])
  })

  it('loses what has expired as new clients come', async () => {
    await fill((await seconds()) - 1, 40)
    await redis.command('EXPIRE', key, 1000)
    for (const neighbour of neighbours(20)) await remembered(pass('pregreet'), neighbour)
    assert.equal(await size(), 20)
  })

  it('that is full loses one for each that comes', async () => {
    await fill((await seconds()) + 1000, 8192)
    for (const neighbour of neighbours(3)) {
      await remembered(pass('pregreet'), neighbour)
      assert.deepEqual((await store.recall(neighbour)).passed, ['pregreet'])
    }
    assert.equal(await size(), 8192)
  })
})

describe('the letters of checks', () => {
  it('are for ever', () => {
    for (const [name, token] of Object.entries({
      'bare-newline': 'b',
      commands: 'c',
      dnsbl: 'd',
      'generic-name': 'g',
      'helo-syntax': 'h',
      'no-reverse-name': 'n',
      'non-smtp-command': 's',
      pipelining: 'p',
      pregreet: 'e',
      'reverse-mismatch': 'r',
      smuggling: 'm',
      'trap-recipient': 't',
    }))
      assert.equal(tokenOf(name, false), token)
  })

  it('and the names of other checks stand for them, passed and failed', () => {
    // What tokenOf writes, in any order, checksOf reads back.
    const met = [...checks.map(({ name }) => name), 'x-own', 'x-other', 'constructor', '=', '!'].flatMap(name => [
      { name, isFailed: false },
      { name, isFailed: true },
    ])
    const tokens = met.map(({ name, isFailed }) => tokenOf(name, isFailed))
    assert.deepEqual([...checksOf(tokens.join(''))], met)
    assert.deepEqual([...checksOf([...tokens].reverse().join(''))], [...met].reverse())
  })

  it('are none for a name that would not come back', () => {
    for (const name of ['', 'a b', 'a;b', 'x'.repeat(63)]) assert.equal(tokenOf(name, true), null)
  })
})
