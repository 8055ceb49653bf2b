import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { type RunningGate, startGate } from '../support/gate.ts'
import { startSink } from '../support/sink.ts'
import { believing, connectAs, sendMail } from './client.ts'

const sink = await startSink({ after }, { proxy: true })

const trapped = 'sallyport_trapped_clients'

/** Clients of 192.0.2.0/24 are trapped for a little, those that speak HTTP for much. */
function startTrap(t: TestContext, keys = ''): Promise<RunningGate> {
  return startGate(
    t,
    `backend: 127.0.0.1:${sink.port}
${believing}
access: { deny: [192.0.2.0/24] }
checks: { access: { action: trap, points: 1 }, non-smtp-command: { action: trap, points: 10 } }
trap: { interval: 50ms, ${keys} }`,
  )
}

test('a trapped client is spoken to an octet at a time, gets no recipient, and never comes to the backend', async t => {
  const gate = await startTrap(t)
  const begin = performance.now()
  const client = await connectAs(t, gate, '192.0.2.10', { waitMs: 15_000 })
  const greeting = await client.expect(/^220 gate\.example\.test ESMTP$/)
  const span = performance.now() - begin
  // The tick of the gate's clock is as long as the interval.
  assert.ok(span > 45 * greeting.text.length, `${greeting.text.length} octets in ${span} ms`)
  await client.command('EHLO bot.example.net', /^250 gate\.example\.test$/)
  await client.command('MAIL FROM:<bot@example.net>', /^250 2\.1\.0 Ok$/)
  const refusal = await client.command('RCPT TO:<user@example.test>', /^550 5\.7\.1 Access denied; ref=/)
  await client.command('DATA', /^554 /)
  assert.equal(await gate.metric(trapped), 1)
  await client.command('QUIT', /^221 /)
  assert.equal(await client.closed, 'fin')
  const line = await gate.waitForSession(({ client: address }) => address === '192.0.2.10')
  assert.deepEqual([line.verdict, line.check, line.ending, line.reply], ['trapped', 'access', 'quit', refusal.text])
  assert.equal(await gate.metric(trapped), 0)
  assert.equal(sink.connections.filter(({ header }) => header?.source?.address === '192.0.2.10').length, 0)
})

test('when all places are taken the least suspicious hears 421; who is no more suspicious is let go himself', async t => {
  const gate = await startTrap(t, 'sessions: 2')
  const first = await connectAs(t, gate, '192.0.2.20')
  await first.expect(/^220 /)
  const second = await connectAs(t, gate, '192.0.2.21')
  await gate.waitForMetric(trapped, 2)
  const third = await connectAs(t, gate, '192.0.2.22')
  await third.expect(/^421 4\.7\.0 gate\.example\.test Error: too busy, try again later; ref=/)
  assert.equal(await third.closed, 'fin')
  const browser = await connectAs(t, gate, '198.51.100.20')
  await browser.expect(/^220/)
  browser.send('GET / HTTP/1.1')
  await first.expect(/^421 4\.7\.0 gate\.example\.test Error: too busy, try again later; ref=/)
  assert.equal(await first.closed, 'fin')
  await second.expect(/^220 /)
  assert.equal(await gate.metric(trapped), 2)
  for (const address of ['192.0.2.20', '192.0.2.22']) {
    const line = await gate.waitForSession(({ client }) => client === address)
    assert.deepEqual([line.verdict, line.check, line.ending], ['trapped', 'access', 'verdict'])
  }
})

test('a trapped client that leaves gives its place back at once, however it leaves', async t => {
  const gate = await startTrap(t, 'sessions: 1')
  for (const [i, leave] of (['end', 'reset'] as const).entries()) {
    const client = await connectAs(t, gate, `192.0.2.${30 + i}`)
    await gate.waitForMetric(trapped, 1)
    client[leave]()
    const line = await gate.waitForSession(({ client: address }) => address === `192.0.2.${30 + i}`)
    assert.deepEqual([line.verdict, line.ending], ['trapped', 'hangup'])
    assert.equal(await gate.metric(trapped), 0)
  }
})

test('others do not notice: mail flows while clients are trapped', async t => {
  const gate = await startTrap(t)
  await Promise.all(Array.from({ length: 50 }, (_, i) => connectAs(t, gate, `192.0.2.${100 + i}`)))
  await gate.waitForMetric(trapped, 50)
  assert.match(await sendMail(await connectAs(t, gate, '198.51.100.9'), 'Subject: x\r\n\r\ntext\r\n'), /^250 /)
})

test('a gate that stops sends its trapped clients away', async t => {
  const gate = await startTrap(t)
  const client = await connectAs(t, gate, '192.0.2.40')
  await client.expect(/^220 /)
  gate.signal('SIGTERM')
  await client.expect(/^421 4\.3\.2 gate\.example\.test Service shutting down/)
  assert.equal(await client.closed, 'fin')
  assert.deepEqual(await gate.exited, { code: 0, signal: null })
})
