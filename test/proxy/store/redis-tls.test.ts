import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { openStore, type Store, type StoreOptions } from '@sallyport/proxy/store/index.js'
import { makeAuthority } from '../../support/authority.js'
import { freePort } from '../../support/port.js'
import { startRedis } from '../../support/redis.js'
import { rightsFor } from '../../support/redis-rights.js'
import { eventually, StoreWorld } from '../../support/store-world.js'

const settings = {
  kind: 'redis',
  password: null,
  prefix: 'mine:',
  commandWait: 2000,
  grace: 2000,
  clients: 1000,
} as const
const lesson = { passed: { pregreet: 1000 }, failed: {} }

function open(t: TestContext, options: StoreOptions): { store: Store; world: StoreWorld } {
  const world = new StoreWorld()
  const store = openStore(options, world)
  t.after(() => store.close())
  return { store, world }
}

/** A Redis that speaks TLS alone and wants a certificate of its clients; its own is for redis.example.net. */
async function startTls(t: TestContext) {
  const authority = await makeAuthority(t)
  const [ours, its] = [await authority.issue(['gate.example.net']), await authority.issue(['redis.example.net'])]
  const tlsPort = await freePort()
  const files = ['--tls-cert-file', its.cert, '--tls-key-file', its.key, '--tls-ca-cert-file', authority.file]
  const redis = await startRedis(undefined, ['--tls-port', `${tlsPort}`, ...files])
  t.after(() => redis.stop())
  const tls = { ca: authority.file, certificate: ours.cert, key: ours.key, serverName: 'redis.example.net' }
  return { redis, url: `rediss://127.0.0.1:${tlsPort}`, tls }
}

test('TLS with the CA, the certificate and the name of the configuration', async t => {
  const { redis, url, tls } = await startTls(t)
  const { store, world } = open(t, { ...settings, url, tls })
  await eventually('the store is up', () => store.health.up)
  store.remember('192.0.2.1', lesson)
  assert.deepEqual((await store.recall('192.0.2.1')).passed, ['pregreet'])
  await eventually('it is in Redis, under the prefix', async () =>
    (await redis.command('KEYS', '*')).startsWith('mine:clients:'),
  )
  assert.deepEqual(world.lines, [])
})

for (const { what, change, reason } of [
  { what: 'no CA that the server is from', change: { ca: null }, reason: /self-signed|unable to (?:verify|get)/ },
  { what: 'another name', change: { serverName: 'other.example.net' }, reason: /does not match|altnames/ },
  { what: 'a file that is not there', change: { ca: '/nonexistent/ca.pem' }, reason: /ENOENT.*\/nonexistent\/ca\.pem/ },
])
  test(`TLS with ${what}: Redis is done without, and the log says why`, async t => {
    const { url, tls } = await startTls(t)
    const { store, world } = open(t, { ...settings, url, tls: { ...tls, ...change } })
    await eventually('it was tried', () => world.lines.length > 0)
    assert.match(world.lines[0] ?? '', /^warn Redis does not answer/)
    assert.match(world.lines[0] ?? '', reason)
    store.remember('192.0.2.1', lesson)
    assert.deepEqual((await store.recall('192.0.2.1')).passed, ['pregreet'])
    assert.equal(world.lines.length, 1)
  })

/** What looks through more than it was asked for: however much is remembered, the gate never does. */
const scans = ['-keys', '-scan', '-hscan', '-hgetall', '-hkeys', '-hvals', '-randomkey']

test('the rights that docs/store.md names are those that are tested here', () => {
  const text = readFileSync(new URL('../../../../docs/store.md', import.meta.url), 'utf8')
  assert.ok(text.includes(`user sallyport on >WORD ${rightsFor('sallyport:').join(' ')}\n`))
})

test('an ACL user with the rights that the documentation names, and no others, nor those to scan; all that it writes expires', async t => {
  const redis = await startRedis()
  t.after(() => redis.stop())
  await redis.command('ACL', 'SETUSER', 'sallyport', 'on', '>hush', ...rightsFor('mine:'), ...scans)
  await redis.command('ACL', 'SETUSER', 'default', '-@all', '+acl', '+keys', '+ttl', '+ping')
  const login = { url: `redis://127.0.0.1:${redis.port}`, username: 'sallyport', password: 'hush' }
  const { store, world } = open(t, { ...settings, ...login })
  await eventually('the store is up', () => store.health.up)
  store.remember('192.0.2.1', lesson)
  assert.deepEqual((await store.recall('192.0.2.1')).passed, ['pregreet'])
  assert.equal(await store.greylist('a tuple', { delay: 300, window: 14_400, keep: 86_400 }), 300)
  assert.ok(((await store.greylistLeft('a tuple', { delay: 300, window: 14_400, keep: 86_400 })) ?? 0) > 298)
  const counted = [{ name: '', rate: { count: 4, period: 4000 } }]
  assert.equal(await store.rate('all', counted), null)
  assert.equal(await store.rateLeft('all', counted), null)
  const [visitor, caps] = [
    { client: '192.0.2.1', network: '192.0.2.0/24' },
    { perClient: 1, perNetwork: 1 },
  ] as const
  for (const found of [null, 'per_client']) assert.equal(await store.enter(visitor, caps), found)
  store.leave(visitor)
  await eventually('its place is free', async () => (await store.enter(visitor, caps)) === null)
  assert.equal(await store.forget('192.0.2.1'), true)
  const [other, heard] = [open(t, { ...settings, ...login }), [] as string[]]
  other.store.onBlock(names => heard.push(...names))
  await eventually('a block is heard', () => {
    store.remember('192.0.2.2', { passed: {}, failed: { 'trap-recipient': 1000 } })
    return heard.includes('192.0.2.2')
  })
  const keys = (await redis.command('KEYS', '*')).split('\n')
  for (const kind of ['clients', 'grey', 'rate', 'open'])
    assert.ok(
      keys.some(key => key.startsWith(`mine:${kind}:`)),
      `${kind} in ${keys}`,
    )
  for (const key of keys) assert.ok(Number(await redis.command('TTL', key)) > 0, key)
  assert.deepEqual(other.world.lines, [])
  assert.deepEqual(world.lines, [])
  assert.equal(store.health.fallbacks + store.health.rememberErrors, 0)

  const stranger = open(t, { ...settings, ...login, username: 'nobody' })
  await eventually('it was refused', () => stranger.world.lines.length > 0)
  assert.match(stranger.world.lines[0] ?? '', /^warn Redis does not answer \(.*WRONGPASS/)
})
