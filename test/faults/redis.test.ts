import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fieldOf } from '@sallyport/proxy/store/redis/client-record.js'
import { connect, type Dialogue } from '../support/dialogue.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { type Owner, tempDirectory, undoAfter } from '../support/owner.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type Sink, startSink } from '../support/sink.ts'
import { until } from '../support/until.ts'

/** A Redis that keeps what it was told in `folder`, over its end. */
async function ownedRedis(owner: Owner, folder: string, port?: number): Promise<RedisServer> {
  const redis = await startRedis(port, ['--dir', folder, '--appendonly', 'yes', '--appendfsync', 'no'])
  undoAfter(owner, () => redis.stop())
  return redis
}

/** So long that nobody could take it for a stall of this machine. */
const pause = 1_500

const startShared = (t: TestContext, sink: Sink, redis: RedisServer): Promise<RunningGate> =>
  startGate(
    t,
    `backend: 127.0.0.1:${sink.port}
trusted_proxies: [127.0.0.1]
greet: { wait: ${pause}ms }
store: { kind: redis, url: 'redis://127.0.0.1:${redis.port}' }`,
  )

/** A client of a public address, as a balancer brings it. */
async function from(t: TestContext, gate: RunningGate, address: string): Promise<Dialogue> {
  const client = await connect(t, { port: gate.port })
  client.sendRaw(`PROXY TCP4 ${address} 198.51.100.25 40001 25\r\n`)
  return client
}

/** A whole session with a message; gives the ms from its beginning to the greeting. */
async function good(t: TestContext, gate: RunningGate, address: string): Promise<number> {
  const started = performance.now()
  const client = await from(t, gate, address)
  await client.expect(/^220/)
  const waited = performance.now() - started
  await client.command('EHLO mx.example.net', /^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<user@example.test>', /^250/)
  await client.command('DATA', /^354/)
  await client.command('Subject: x\r\n.', /queued as/)
  await client.command('QUIT', /^221/)
  await client.closed
  return waited
}

async function isWritten(redis: RedisServer, client: string): Promise<boolean> {
  const { key, field } = fieldOf(client)
  return (await redis.command('hexists', `sallyport:${key}`, field)) === '1'
}

/** Sessions of a known client one after the other for so long; gives their waits for the greeting, the longest first. */
async function goodFor(t: TestContext, gate: RunningGate, address: string, ms: number): Promise<number[]> {
  const waits: number[] = []
  for (const end = performance.now() + ms; performance.now() < end; await sleep(20))
    waits.push(await good(t, gate, address))
  return waits.sort((a, b) => b - a)
}

/**
 * A known client waits for the store 5 ms at most, once. A busy machine adds waits of its own, but neither many nor one like the pause.
 */
function assertUnhurt(waits: readonly number[], what: string): void {
  const [longest = 0] = waits
  assert.ok(longest < pause / 2, `${what}: a known client waited ${longest} ms`)
  const late = waits.filter(wait => wait > 45)
  const few = Math.max(4, waits.length / 5)
  assert.ok(
    late.length <= few,
    `${what}: ${late.length} of ${waits.length} known clients waited: ${late.map(Math.round)}`,
  )
}

test('Redis killed, stopped, read-only, and back: a known client hardly notices, and the log says each change once', async t => {
  const sink = await startSink(t, { proxy: true })
  const folder = await tempDirectory(t, 'redis')
  let redis = await ownedRedis(t, folder)
  const gate = await startShared(t, sink, redis)
  const known = '203.0.113.7'
  assert.ok((await good(t, gate, known)) >= pause)
  await sleep(100)
  const changes = () =>
    gate
      .lines()
      .filter(({ event }) => event === 'store')
      .map(({ level }) => level)
  /** A line may come some time behind the metric. */
  const said = async (...expected: readonly string[]) => {
    await until(`the log says ${expected}`, () => changes().length >= expected.length)
    assert.deepEqual(changes(), expected, gate.output())
  }
  const up = (value: number) => gate.waitForMetric('sallyport_store_up', value)
  assert.deepEqual(changes(), [], gate.output())
  assertUnhurt(await goodFor(t, gate, known, 200), 'at rest')

  await redis.stop()
  assertUnhurt(await goodFor(t, gate, known, 600), 'killed')
  await up(0)
  await said('warn')
  redis = await ownedRedis(t, folder, redis.port)
  const [unhurt] = await Promise.all([goodFor(t, gate, known, 600), up(1)])
  assertUnhurt(unhurt, 'back')
  await said('warn', 'info')

  redis.pause()
  assertUnhurt(await goodFor(t, gate, known, 700), 'stopped')
  await up(0)
  redis.resume()
  await up(1)
  assertUnhurt(await goodFor(t, gate, known, 200), 'going on')
  await said('warn', 'info', 'warn', 'info')

  await redis.command('replicaof', '127.0.0.1', 1)
  assertUnhurt(await goodFor(t, gate, known, 400), 'read-only')
  // Whoever is new there waits once, as ever, and is known afterwards.
  assert.ok((await good(t, gate, '203.0.113.8')) >= pause)
  assertUnhurt(await goodFor(t, gate, '203.0.113.8', 200), 'new to a read-only Redis')
  await said('warn', 'info', 'warn', 'info', 'warn')
  await redis.command('replicaof', 'no', 'one')
  // That it takes writes again is said once it has done so for a while; what was learnt meanwhile is written at once.
  await until('it is written', () => isWritten(redis, '203.0.113.8'), 20_000)
  assert.equal(changes().length, 5)
})

test('two gates with one Redis: a pass on one is honoured by the other at once, and so is an offence', async t => {
  const sink = await startSink(t, { proxy: true })
  const redis = await ownedRedis(t, await tempDirectory(t, 'redis'))
  const [a, b] = await Promise.all([startShared(t, sink, redis), startShared(t, sink, redis)])
  assert.ok((await good(t, a, '203.0.113.20')) >= pause)
  await until('it is written', () => isWritten(redis, '203.0.113.20'))
  assert.ok((await good(t, b, '203.0.113.20')) < pause / 2)

  for (const [gate, expected] of [
    [a, /^450 /],
    [b, /^550 /],
  ] as const) {
    const bot = await from(t, gate, '203.0.113.21')
    await bot.line(/^220-/)
    bot.sendRaw('EHLO bot\r\nMAIL FROM:<>\r\nRCPT TO:<user@example.test>\r\nQUIT\r\n')
    for (const reply of [/^220/, /^250/, /^250/]) await bot.expect(reply)
    await bot.expect(expected)
    await bot.closed
    await until('it is written', () => isWritten(redis, '203.0.113.21'))
  }
})
