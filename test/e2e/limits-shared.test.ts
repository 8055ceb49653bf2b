import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { excessSpan } from '@sallyport/proxy/store/leases/hot-excess.js'
import { certificatesKey, makeAuthority } from '../support/authority.ts'
import type { Dialogue } from '../support/dialogue.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { undoAfter } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { startSink } from '../support/sink.ts'
import { eventually } from '../support/store-world.ts'
import { believing, connectAs } from './client.ts'

const sink = await startSink({ after }, { proxy: true })
const tooMany = /^421 4\.7\.0 gate\.example\.test Error: too many connections; ref=\w+$/
const counter = 'sallyport_connections_refused_total{reason="per_client"}'

async function ownedRedis(t: TestContext, port?: number): Promise<RedisServer> {
  const redis = await startRedis(port)
  undoAfter(t, () => redis.stop())
  return redis
}

/** Gates that share a Redis; each lets a client have three connections, and a killed one is forgotten after 2 s. */
async function startGates(t: TestContext, redis: RedisServer, settings = '', count = 2): Promise<RunningGate[]> {
  const text = `backend: 127.0.0.1:${sink.port}
${believing}
delays: { turned_away: 0s }
limits: { per_client: 3, per_network: 4 }
access: { allow: [198.51.100.0/24], deny: [198.51.101.0/24] }
${settings}`
  const store = `store: { kind: redis, url: 'redis://127.0.0.1:${redis.port}', lease: 2s, command_wait: 2s }`
  const gates = Array.from({ length: count }, () => startGate(t, `${text}\n${store}`))
  const started = await Promise.all(gates)
  for (const gate of started) await gate.waitForMetric('sallyport_store_up', 1)
  return started
}

/** One that has been greeted. */
async function greeted(t: TestContext, gate: RunningGate | undefined, address: string): Promise<Dialogue> {
  const client = await connectAs(t, gate ?? assert.fail(), address)
  await client.expect(/^220 /)
  return client
}

/** The backend takes a recipient of one that has been greeted. */
async function mail(client: Dialogue): Promise<void> {
  await client.command('EHLO mx.example.net', /^250/)
  await client.command('MAIL FROM:<someone@example.net>', /^250 /)
  await client.command('RCPT TO:<user@example.test>', /^250 /)
}

async function isTurnedAway(t: TestContext, gate: RunningGate | undefined, address: string): Promise<boolean> {
  const client = await connectAs(t, gate ?? assert.fail(), address)
  let { code } = await client.expect(/^(220|421) /)
  // On a machine so busy that Redis is late it hears why its session ends.
  for (let i = 0; i < 3 && code !== 421; i++) {
    await sleep(20)
    ;({ code } = await client.command('NOOP', /^(250|421) /))
  }
  client.end()
  await client.closed
  return code === 421
}

/** An answer of Redis is waited for, however busy the machine is. */
const quickly = 'greet: { wait: 0s }\ntimeouts: { recall: 2s }'
const hastily = 'greet: { wait: 0s }\ntimeouts: { recall: 1ms, answers: 100ms }'

test('two gates: the fourth connection of a client over both is turned away as by one, others and allowed ones are not', async t => {
  const [one, two] = (await startGates(t, await ownedRedis(t), quickly)) as [RunningGate, RunningGate]
  const first = await greeted(t, one, '192.0.2.7')
  for (const gate of [one, two]) await greeted(t, gate, '192.0.2.7')
  for (const [count, gate] of [
    [1, one],
    [1, two],
    [2, two],
  ] as const) {
    const fourth = await connectAs(t, gate, '192.0.2.7')
    const { text } = await fourth.expect(tooMany)
    assert.equal(await fourth.closed, 'fin')
    await gate.waitForMetric(counter, count)
    const line = await gate.waitForLine(({ id, event }) => event === 'turned_away' && text.endsWith(`ref=${id}`))
    assert.deepEqual([line['client'], line['reason']], ['192.0.2.7', 'per_client'])
  }
  assert.equal(one.log().length + two.log().length, 0, 'who is turned away has no session')
  await greeted(t, two, '192.0.2.8')
  await (await connectAs(t, one, '192.0.2.9')).expect(tooMany)
  assert.equal(await one.metric('sallyport_connections_refused_total{reason="per_network"}'), 1)
  await greeted(t, two, '192.0.3.7')
  for (let i = 0; i < 5; i++) await greeted(t, i % 2 === 0 ? one : two, '198.51.100.7')
  for (let i = 0; i < 5; i++) await (await connectAs(t, i % 2 === 0 ? one : two, '198.51.101.7')).expect(/^521 /)
  await mail(first)
  first.send('QUIT')
  await first.closed
  await eventually('its place is free', async () => !(await isTurnedAway(t, two, '192.0.2.7')))
})

test('one too many hears 421 as its greeting, however often it comes', async t => {
  const [one, two] = await startGates(t, await ownedRedis(t), quickly)
  for (let i = 0; i < 3; i++) await greeted(t, one, '192.0.2.7')
  const firstWord = async () =>
    (await (await connectAs(t, two ?? assert.fail(), '192.0.2.7')).expect(/^(220|421) /)).code
  /** Eight at once, so that all is known of them here; and again, when it is asked anew whether there is a place. */
  const firstWords = async () => {
    const codes: (number | undefined)[] = []
    for (let burst = 0; burst < 4; burst++, await sleep(excessSpan + 20))
      codes.push(...(await Promise.all(Array.from({ length: 8 }, firstWord))))
    return codes
  }
  // On a busy machine an answer may be too late to be waited for, now and then.
  await eventually('all of them hear it', async () => (await firstWords()).every(code => code === 421), 60_000)
})

test('a gate that is killed frees the places of its clients within the lease, and who stays at another keeps its own', async t => {
  const [one, two] = await startGates(t, await ownedRedis(t), quickly)
  await greeted(t, one, '192.0.2.7')
  await greeted(t, one, '192.0.2.7')
  await greeted(t, two, '192.0.2.7')
  for (const end = performance.now() + 4_500; performance.now() < end; await sleep(200))
    assert.ok(await isTurnedAway(t, two, '192.0.2.7'), 'after two leases and more')
  one?.signal('SIGKILL')
  await one?.exited
  const killedAt = performance.now()
  await eventually('a place is free', async () => !(await isTurnedAway(t, two, '192.0.2.7')))
  assert.ok(performance.now() - killedAt < 2_500, `${performance.now() - killedAt} ms`)
  await greeted(t, two, '192.0.2.7')
  await greeted(t, two, '192.0.2.7')
  assert.ok(await isTurnedAway(t, two, '192.0.2.7'))
})

test('a client that is trapped keeps its place for longer than a lease', async t => {
  const trap = `checks: { non-smtp-command: { action: trap } }\ntrap: { interval: 1s }\n${quickly}`
  const [one, two] = await startGates(t, await ownedRedis(t), trap)
  for (let i = 0; i < 3; i++) (await greeted(t, one, '192.0.2.7')).send('GET / HTTP/1.1')
  await one?.waitForMetric('sallyport_trapped_clients', 3)
  await sleep(4_500)
  assert.equal(await one?.metric('sallyport_trapped_clients'), 3)
  assert.ok(await isTurnedAway(t, two, '192.0.2.7'))
})

test('Redis gone: each gate holds to the cap by itself and turns nobody else away; back and empty: it holds over both', async t => {
  let redis = await ownedRedis(t)
  const [one, two] = await startGates(t, redis, quickly)
  await greeted(t, one, '192.0.2.7')
  await redis.stop()
  for (const gate of [one, two]) await gate?.waitForMetric('sallyport_store_up', 0)
  const rest = [await greeted(t, one, '192.0.2.7'), await greeted(t, one, '192.0.2.7')]
  for (let i = 0; i < 3; i++) rest.push(await greeted(t, two, '192.0.2.7'))
  for (const gate of [one, two]) assert.ok(await isTurnedAway(t, gate, '192.0.2.7'))
  redis = await ownedRedis(t, redis.port)
  for (const gate of [one, two]) await gate?.waitForMetric('sallyport_store_up', 1, 10_000)
  const shares = async () => Number(await redis.command('HSTRLEN', 'sallyport:open:{192.0.2.0/24}', '192.0.2.7'))
  await eventually('both have told it', async () => (await shares()) === 34)
  for (const client of rest.slice(1)) client.end()
  for (const gate of [one, two]) await gate?.waitForMetric('sallyport_connections_open', gate === one ? 2 : 0)
  assert.equal(await isTurnedAway(t, two, '192.0.2.7'), false)
  await eventually('it has left', async () => (await shares()) === 17)
  await greeted(t, two, '192.0.2.7')
  await eventually('its place is known', async () => (await shares()) === 34)
  for (const gate of [one, two]) assert.ok(await isTurnedAway(t, gate, '192.0.2.7'))
})

test('an answer that comes late sends away who is greeted, and leaves whom the backend has', async t => {
  const redis = await ownedRedis(t)
  const [one, two] = (await startGates(t, redis, hastily)) as [RunningGate, RunningGate]
  for (let i = 0; i < 3; i++) await greeted(t, one, '192.0.2.7')
  redis.pause()
  const [quick, slow] = [await greeted(t, two, '192.0.2.7'), await greeted(t, two, '192.0.2.7')]
  await mail(quick)
  redis.resume()
  const { text } = await slow.expect(tooMany)
  assert.equal(await slow.closed, 'fin')
  const line = await two.waitForLine(({ id, event }) => event === 'turned_away' && text.endsWith(`ref=${id}`))
  assert.equal(line['reason'], 'per_client')
  const session = await two.waitForSession(({ id }) => text.endsWith(`ref=${id}`))
  assert.deepEqual([session.verdict, session.ending, session.reply], ['abandoned', 'limit', text])
  await quick.command('DATA', /^354/)
  await quick.command('Subject: x\r\n\r\nx\r\n.', /^250/)
})

test('one too many that is about to agree on TLS is closed at once, and has no session afterwards', async t => {
  const authority = await makeAuthority(t)
  const redis = await ownedRedis(t)
  const certificate = certificatesKey(await authority.issue(['one.example.test']))
  const [one] = await startGates(t, redis, quickly, 1)
  const implicit = `listen: [{ address: '127.0.0.1:${await freePort()}', tls: implicit }]\n${certificate}\n${quickly}`
  const [two] = (await startGates(t, redis, implicit, 1)) as [RunningGate]
  for (let i = 0; i < 3; i++) await greeted(t, one, '192.0.2.7')
  const silent = await connectAs(t, two, '192.0.2.7')
  assert.notEqual(await silent.closed, undefined)
  await two.waitForMetric(counter, 1)
  await two.waitForMetric('sallyport_connections_open', 0)
  const other = await connectAs(t, two, '192.0.3.7')
  await other.secure({ ca: await authority.text(), servername: 'one.example.test' })
  await other.expect(/^220 /)
  assert.equal(two.log().length, 0)
})
