import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Dialogue } from '../support/dialogue.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { type Sink, startSink } from '../support/sink.ts'
import { until } from '../support/until.ts'
import { startHere } from './here.ts'
import { assertNothingLost, sendUntil } from './sender.ts'

async function world(t: TestContext, settings = ''): Promise<{ sink: Sink; gate: RunningGate }> {
  const sink = await startSink(t, { proxy: true })
  const gate = await startGate(t, `backend: 127.0.0.1:${sink.port}\n${settings}`)
  return { sink, gate }
}

const dialogue = [
  ['EHLO client.example.net', /^250/],
  ['MAIL FROM:<sender@example.net>', /^250/],
  ['RCPT TO:<user@example.test>', /^250/],
  ['DATA', /^354/],
] as const

async function advance(t: TestContext, gate: RunningGate, commands: number): Promise<Dialogue> {
  const client = await connect(t, { port: gate.port, localAddress: '127.0.0.9' })
  await client.expect(/^220/)
  for (const [said, expected] of dialogue.slice(0, commands)) await client.command(said, expected)
  return client
}

const refused = (t: TestContext, gate: RunningGate) =>
  connect(t, { port: gate.port }).then(
    () => false,
    error => /ECONNREFUSED/.test(String(error)),
  )

test('SIGTERM: not ready at once, who is behind a transaction hears 421, who is in one or has only just come comes to its end, exit 0', async t => {
  const { sink, gate } = await world(t)
  sink.faults.set('message', { kind: 'delay', ms: 600 })
  const dotted = await advance(t, gate, 4)
  const inMessage = await advance(t, gate, 4)
  const inTransaction = await advance(t, gate, 3)
  const idle = [await advance(t, gate, 2), await advance(t, gate, 3)]
  for (const client of idle) await client.command('RSET', /^250/)
  const fresh = await advance(t, gate, 1)
  dotted.sendRaw('Subject: its dot is out\r\n.\r\n')
  inMessage.send('Subject: in the middle')
  await sink.waitFor(({ messages }) => messages.length === 1)
  const inPause = await connect(t, { port: gate.port, localAddress: '127.0.0.10' })
  await inPause.line(/^220-/)
  gate.signal('SIGTERM')
  for (const client of idle) {
    await client.expect(/^421 4\.3\.2 /)
    assert.equal(await client.closed, 'fin')
  }
  const ready = await gate.admin('/readyz')
  assert.deepEqual([ready.status, ready.text], [503, 'draining\n'])
  assert.equal((await gate.admin('/healthz')).status, 200)
  assert.equal(await gate.metric('sallyport_draining'), 1)
  assert.ok(await refused(t, gate))
  await inPause.expect(/^220 /)
  for (const [said, expected] of dialogue) await inPause.command(said, expected)
  for (const [said, expected] of dialogue.slice(1)) await fresh.command(said, expected)
  await dotted.expect(/^250 .*queued as S1/)
  await dotted.expect(/^421 4\.3\.2 /)
  await inTransaction.command('DATA', /^354/)
  inTransaction.send('Subject: after the signal')
  const last = [inMessage, inTransaction, inPause, fresh]
  for (const client of last) client.send('.')
  for (const client of last) {
    await client.expect(/^250 .*queued as S[2345]/)
    await client.expect(/^421 4\.3\.2 /)
  }
  const told = performance.now()
  assert.deepEqual(await gate.exited, { code: 0, signal: null })
  assert.ok(performance.now() - told < 5_000, 'it stayed when nobody was left')
  assert.equal(gate.log().length, 7)
})

test('who has a connection and no session yet when a drain begins may send a message', async t => {
  const { gate } = await world(t, 'trusted_proxies: [127.0.0.1]')
  const client = await connect(t, { port: gate.port })
  client.sendRaw('PROXY TCP4 192.0.2.1 ')
  await until('it is counted', async () => (await gate.metric('sallyport_connections_open')) === 1)
  gate.signal('SIGTERM')
  await until('nobody is let in any more', () => refused(t, gate))
  client.sendRaw('192.0.2.2 4711 25\r\n')
  await client.expect(/^220-.*\n220 /)
  for (const [said, expected] of dialogue) await client.command(said, expected)
  client.send('Subject: after the signal')
  client.send('.')
  await client.expect(/^250 .*queued as S1/)
  await client.expect(/^421 4\.3\.2 /)
  assert.deepEqual(await gate.exited, { code: 0, signal: null })
})

test('what the admin port is being asked when the gate ends it answers, and who never asks to the end does not keep it', async t => {
  const { running } = await startHere(t, "admin: { listen: '127.0.0.1:0' }\nbackend: 127.0.0.1:1")
  const port = running.admin?.port ?? 0
  const half = async () => {
    const asking = await connect(t, { port })
    // The first is answered when the second has begun.
    asking.sendRaw('GET /healthz HTTP/1.1\r\nhost: gate\r\n\r\nGET /readyz HTTP/1.1\r\n')
    await asking.line(/^HTTP\/1\.1 200 OK$/)
    // The last chunk and its end (RFC 9112 7.1).
    for (let line = ''; line !== '0'; ) line = await asking.line()
    await asking.line(/^$/)
    return asking
  }
  const [asking, silent] = [await half(), await half()]
  const stopped = running.stop()
  await until('the port is closed', () =>
    connect(t, { port }).then(
      () => false,
      () => true,
    ),
  )
  asking.sendRaw('host: gate\r\n\r\n')
  await asking.line(/^HTTP\/1\.1 503 /)
  assert.equal(await asking.line(), 'connection: close')
  for (const client of [asking, silent]) await client.closed
  await stopped
})

test('drain.delay: new clients are still taken while balancers notice', async t => {
  const { gate } = await world(t, 'drain: { delay: 2s }\naccess: { allow: [127.0.0.1] }')
  gate.signal('SIGTERM')
  await gate.waitForLine(({ event }) => event === 'drain')
  assert.equal((await gate.admin('/readyz')).status, 503)
  const late = await connect(t, { port: gate.port })
  await late.expect(/^220/)
  for (const [said, expected] of dialogue.slice(0, 2)) await late.command(said, expected)
  await late.command('RSET', /^250/)
  await late.expect(/^421 4\.3\.2 /)
  assert.ok(await refused(t, gate))
  assert.deepEqual(await gate.exited, { code: 0, signal: null })
})

test('drain.wait ends what does not end, and says so', async t => {
  const { sink, gate } = await world(t, 'drain: { wait: 500ms }')
  const client = await advance(t, gate, 4)
  client.send('Subject: without an end')
  const told = performance.now()
  gate.signal('SIGTERM')
  assert.deepEqual(await gate.exited, { code: 0, signal: null })
  const took = performance.now() - told
  // It hears 421, and has two seconds to close its own side.
  await client.expect(/^421 4\.3\.2 /)
  assert.ok(took >= 490 && took < 3_500, `after ${took} ms`)
  assert.ok(gate.lines().some(({ event, level }) => event === 'drain' && level === 'warn'))
  assert.equal(gate.log().length, 1)
  assert.equal(sink.messages.length, 0)
})

test('a second SIGTERM ends at once, and no client hears a 250 that the backend did not say', async t => {
  const { sink, gate } = await world(t)
  sink.faults.set('message', { kind: 'hang' })
  const client = await advance(t, gate, 4)
  client.sendRaw('Subject: x\r\n.\r\n')
  await sink.waitFor(({ messages }) => messages.length === 1)
  gate.signal('SIGTERM')
  await client.silence(200)
  const told = performance.now()
  gate.signal('SIGTERM')
  assert.deepEqual(await gate.exited, { code: 0, signal: null })
  assert.ok(performance.now() - told < 5_000)
  await client.closed
})

test('restarts under traffic, by SIGTERM and by SIGKILL: nothing lost, nothing refused for good, the store readable', async t => {
  const { sink, gate } = await world(t, 'drain: { wait: 2s }')
  const stop = { aborted: false }
  const { port } = gate
  const sending = sendUntil(t, { port: () => port }, 6, stop)
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await sleep(500 + Math.random() * 300)
    gate.signal(signal)
    assert.equal((await gate.exited).signal, signal === 'SIGTERM' ? null : 'SIGKILL')
    const started = performance.now()
    await gate.start()
    assert.ok(performance.now() - started < 10_000)
  }
  await sleep(500)
  stop.aborted = true
  await assertNothingLost(await sending, {
    messages: async () => sink.messages,
    waitForMessages: count => sink.waitFor(({ messages }) => messages.length >= count),
  })
  // What the first run saved is known in the last, though one was killed since.
  const file = await readFile(join(gate.folder, 'var', 'clients.json'), 'utf8')
  assert.match(file, /^\{"sallyport":"clients","version":1\}\n\["127\.0\.0\.1",/)
  assert.ok(!gate.lines().some(({ event, level }) => event === 'store' && level !== 'info'))
  const waits = gate.log().filter(({ ms, client }) => client === '127.0.0.1' && (ms.greeted ?? 0) >= 300)
  assert.ok(waits.length <= 6, `${waits.length} sessions waited, but only the first six were strangers`)
})
