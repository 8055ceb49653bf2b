import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { connect, type Dialogue } from '../support/dialogue.ts'
import { startGate } from '../support/gate.ts'
import { startSink } from '../support/sink.ts'
import { swaks } from '../support/swaks.ts'
import { believing, proxyBlock, proxyLine, untilRcpt } from './client.ts'

const sink = await startSink({ after }, { proxy: true })
const base = `backend: 127.0.0.1:${sink.port}\n`

/** The last client's address as the server behind was told it. */
const told = () => sink.connections.findLast(({ header }) => header?.source !== undefined)?.header?.source?.address

test('the header of a trusted balancer is believed, version 1 or 2, IPv4 or IPv6, in one piece or in many', async t => {
  const gate = await startGate(t, `${base}${believing}\ngreet: { wait: 0s }`)
  const headers = {
    '192.0.2.1': Buffer.from(proxyLine('192.0.2.1')),
    '2001:db8::2': Buffer.from(proxyLine('2001:db8::2')),
    '192.0.2.3': proxyBlock('192.0.2.3'),
    '2001:db8::4': proxyBlock('2001:db8::4', Buffer.from([0x04, 0, 3, 0, 0, 0, 0xea, 0, 1, 0x31])),
  }
  for (const [address, header] of Object.entries(headers)) {
    for (const size of [header.length, 1, 13]) {
      const client = await connect(t, { port: gate.port })
      for (let at = 0; at < header.length; at += size) {
        client.sendRaw(header.subarray(at, at + size))
        if (size > 1) await new Promise(setImmediate)
      }
      assert.match(await untilRcpt(client), /^250 /)
      await client.command('QUIT', /^221/)
      const full = address.replace('::', ':0:0:0:0:0:')
      assert.equal(told(), full)
    }
    await gate.waitForSession(() => gate.log().filter(({ client }) => client === address).length === 3)
  }
  const { code, transcript } = await swaks([
    ...['--server', '127.0.0.1', '--port', `${gate.port}`, '--from', 'a@example.net', '--to', 'user@example.test'],
    ...['--proxy-version', '2', '--proxy-command', 'PROXY', '--proxy-protocol', 'STREAM', '--proxy-family', 'AF_INET'],
    ...[
      '--proxy-source',
      '192.0.2.5',
      '--proxy-source-port',
      '5',
      '--proxy-dest',
      '192.0.2.25',
      '--proxy-dest-port',
      '25',
    ],
  ])
  assert.equal(code, 0, transcript)
  assert.equal(told(), '192.0.2.5')
  assert.equal(await gate.metric('sallyport_proxy_headers_total{result="v1"}'), 6)
  assert.equal(await gate.metric('sallyport_proxy_headers_total{result="v2"}'), 7)
})

test('the health check of a balancer is answered at once, and neither counted as a client nor logged', async t => {
  const gate = await startGate(t, `${base}${believing}\ngreet: { wait: 5s }\nhealth_checks: [127.0.0.9]`)
  const probe = async (client: Dialogue) => {
    assert.equal((await client.reply()).text, '220 gate.example.test ESMTP')
    await client.command('EHLO balancer', /^250/)
    await client.command('QUIT', /^221/)
    await client.closed
  }
  const local = await connect(t, { port: gate.port, waitMs: 4_500 })
  local.sendRaw(proxyBlock(null))
  await probe(local)
  await probe(await connect(t, { port: gate.port, localAddress: '127.0.0.9', waitMs: 4_500 }))
  // One that only looks whether the port is open.
  const knock = await connect(t, { port: gate.port })
  knock.end()
  await knock.closed
  assert.equal(await gate.metric('sallyport_sessions_total{verdict="health"}'), 2)
  assert.equal(await gate.metric('sallyport_connections_total'), 0)
  assert.equal(await gate.metric('sallyport_connections_open'), 0)
  assert.equal(await gate.metric('sallyport_proxy_headers_total{result="local"}'), 1)
  await gate.stop()
  assert.deepEqual(
    gate.lines().map(({ event }) => event),
    ['start', 'drain', 'stop'],
  )
})

test('a trusted balancer without a header hears 421, at once or when the time for it is over', async t => {
  const gate = await startGate(t, `${base}${believing}\ntimeouts: { proxy_header: 2s }`)
  const silent = await connect(t, { port: gate.port })
  const half = await connect(t, { port: gate.port })
  half.sendRaw('PROXY TCP4 192.0.2.1')
  const wrong = await connect(t, { port: gate.port, waitMs: 1_800 })
  wrong.send('EHLO balancer.example.net')
  for (const client of [wrong, silent, half]) {
    await client.expect(/^421 4\.3\.2 gate\.example\.test Service not available, try again later; ref=\w+$/)
    assert.equal(await client.closed, 'fin')
  }
  assert.equal(await gate.metric('sallyport_connections_refused_total{reason="proxy_header"}'), 3)
  assert.equal(await gate.metric('sallyport_proxy_headers_total{result="malformed"}'), 1)
  const line = await gate.waitForLine(({ event }) => event === 'proxy_header')
  assert.deepEqual([line['proxy'], line.level], ['127.0.0.1', 'warn'])
})

test('the header of anybody else is early talk, and gives no other address', async t => {
  const gate = await startGate(t, `${base}${believing}\naccess: { allow: [192.0.2.1] }`)
  const text = await connect(t, { port: gate.port, localAddress: '127.0.0.77' })
  text.sendRaw(proxyLine('192.0.2.1'))
  await text.expect(/^220 /m)
  await text.expect(/^502 /)
  await text.command('EHLO forger.example.net', /^250/)
  await text.command('MAIL FROM:<>', /^250/)
  await text.command('RCPT TO:<user@example.test>', /^450 4\.5\.1 Protocol error/)
  await text.command('QUIT', /^221/)
  const line = await gate.waitForSession(({ client }) => client === '127.0.0.77')
  assert.deepEqual([line.verdict, line.check, line.vouched], ['deferred', 'pregreet', undefined])
  assert.equal(line.early, `${proxyLine('192.0.2.1').trim()}\\r\\n`)

  const binary = await connect(t, { port: gate.port, localAddress: '127.0.0.78' })
  binary.sendRaw(proxyBlock('192.0.2.1'))
  await binary.expect(/^220 /m)
  for (const _ of ['CR LF', 'CR LF']) await binary.expect(/^500 /)
  await binary.expect(/^521 /)
  assert.equal(await binary.closed, 'fin')
  const other = await gate.waitForSession(({ client }) => client === '127.0.0.78')
  assert.deepEqual([other.verdict, other.check, other.vouched], ['dropped', 'non-smtp-command', undefined])
  assert.ok(other.early?.startsWith('\\r\\n\\r\\n\\000\\r\\nQUIT\\n!'), other.early)
})
