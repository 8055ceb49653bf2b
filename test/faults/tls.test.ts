import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect as connectPlain, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import { sendMail, untilRcpt } from '../e2e/client.ts'
import { certificatesKey, makeAuthority } from '../support/authority.ts'
import { connect } from '../support/dialogue.ts'
import { type Owner, undoAfter } from '../support/owner.ts'
import { startSink } from '../support/sink.ts'
import { until } from '../support/until.ts'
import { type GateHere, openSockets, startHere } from './here.ts'

const authority = await makeAuthority({ after })
const pair = await authority.issue(['mx.example.test'])
const sink = await startSink({ after }, { proxy: true })
const sunk = `backend: 127.0.0.1:${sink.port}\n${certificatesKey(pair)}\n`
const implicit = `listen: [{ address: '127.0.0.1:0', tls: implicit }]\n`

async function metric({ running }: GateHere, sample: string): Promise<number> {
  const line = (await running.gate.metrics.text()).split('\n').find(text => text.startsWith(`${sample} `))
  return Number(line?.slice(sample.length + 1) ?? 0)
}
const handshakes = (gate: GateHere, side: 'client' | 'backend', result: string) =>
  metric(gate, `sallyport_tls_handshakes_total{side="${side}",result="${result}"}`)

const silentEnd = (socket: Socket): Promise<number> => {
  const begun = performance.now()
  socket.on('error', () => {})
  return new Promise(resolve => socket.once('close', () => resolve(performance.now() - begun)))
}

test('a client that never finishes its handshake is closed at the deadline, and costs nobody else', async t => {
  const gate = await startHere(t, sunk + implicit, { tlsHandshake: 500 })
  const slow = connectPlain({ port: gate.port, host: '127.0.0.1' })
  // The beginning of a ClientHello, and no more of it.
  slow.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]))
  const closed = silentEnd(slow)
  assert.match(await sendMail(await connect(t, { port: gate.port, tls: {} }), 'Subject: x\r\n\r\n'), /^250 /)
  const wait = await closed
  assert.ok(wait > 400 && wait < 5_000, String(wait))
  assert.equal(await handshakes(gate, 'client', 'timeout'), 1)
  assert.equal(gate.lines.filter(({ event, why }) => event === 'tls_handshake' && why === 'it took too long').length, 1)
  await until('no connection is left', () => gate.running.gate.connections.size === 0)
})

test('the same after STARTTLS: the session ends, and its line says where', async t => {
  const gate = await startHere(t, sunk, { tlsHandshake: 500 })
  const client = await connect(t, { port: gate.port })
  await client.expect(/^220 /m)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('STARTTLS', /^220 /)
  await client.closed
  const line = gate.lines.find(({ event }) => event === 'session')
  assert.deepEqual([line?.['ending'], line?.['detail']], ['timeout', 'in the TLS handshake'])
  assert.equal(await handshakes(gate, 'client', 'timeout'), 1)
  await until('no connection is left', () => gate.running.gate.connections.size === 0)
})

test('a client that leaves in its handshake, in order or by a reset, leaves nothing behind', async t => {
  const gate = await startHere(t, sunk + implicit)
  const before = openSockets()
  for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
    const socket = connectPlain({ port: gate.port, host: '127.0.0.1' })
    socket.on('error', () => {})
    await new Promise(resolve => socket.once('connect', resolve))
    socket.write(Buffer.from([0x16, 3, 1, 2, 0]))
    await sleep(30)
    socket[leave]()
    await until(leave, () => gate.running.gate.connections.size === 0)
    socket.destroy()
  }
  assert.equal(await handshakes(gate, 'client', 'failed'), 3)
  await until('all sockets are closed', () => openSockets() <= before)
})

test('a flood of handshakes is bounded by per_client before any of them is paid for', async t => {
  const gate = await startHere(t, `${sunk + implicit}limits: { per_client: 5 }`)
  const flood = Array.from({ length: 50 }, () => {
    const socket = connectTls({ port: gate.port, host: '127.0.0.1', rejectUnauthorized: false })
    undoAfter(t, () => void socket.destroy())
    return new Promise<boolean>(resolve => {
      socket.once('secureConnect', () => resolve(true))
      socket.once('error', () => resolve(false))
      socket.once('close', () => resolve(false))
    })
  })
  const secured = (await Promise.all(flood)).filter(Boolean).length
  assert.equal(secured, 5)
  assert.equal(await handshakes(gate, 'client', 'ok'), 5)
  assert.equal(await metric(gate, 'sallyport_connections_refused_total{reason="per_client"}'), 45)
  const other = await connect(t, { port: gate.port, localAddress: '127.0.0.2', tls: {} })
  await other.expect(/^220 /m)
})

test('a client that closes its side of TLS behind QUIT hears the answer', async t => {
  const gate = await startHere(t, sunk + implicit)
  const client = await connect(t, { port: gate.port, tls: {} })
  assert.match(await untilRcpt(client), /^250 /)
  client.send('QUIT')
  client.end()
  await client.expect(/^221 /)
  await client.closed
  await until('no connection is left', () => gate.running.gate.connections.size === 0)
})

test('a drain ends a session in TLS with 421, and one in its handshake without a word', async t => {
  const gate = await startHere(t, sunk + implicit)
  const client = await connect(t, { port: gate.port, tls: {} })
  await client.expect(/^220 /m)
  await client.command('EHLO client.example.net', /^250/)
  const hanging = connectPlain({ port: gate.port, host: '127.0.0.1' })
  await new Promise(resolve => hanging.once('connect', resolve))
  const heard: Buffer[] = []
  hanging.on('data', octets => heard.push(octets))
  const closed = silentEnd(hanging)
  await until('both are there', () => gate.running.gate.connections.size === 2)
  const stopped = gate.running.stop()
  await client.expect(/^421 /)
  await closed
  assert.deepEqual(heard, [])
  await stopped
})

/** What a backend does about TLS. */
type Trick = 'breaks' | 'hangs' | 'injects in the packet' | 'injects later'

interface Bad {
  readonly port: number
  /** RCPT commands that came in the clear. */
  plain: number
  /** What came in the clear behind our 220. */
  readonly behind: string[]
}

async function startBad(owner: Owner, trick: Trick): Promise<Bad> {
  const seen = { plain: 0, behind: [] as string[] }
  const context = createSecureContext({ cert: readFileSync(pair.cert), key: readFileSync(pair.key) })
  const server = createServer(socket => {
    socket.on('error', () => {})
    undoAfter(owner, () => void socket.destroy())
    socket.write('220 bad.example.test ESMTP\r\n')
    socket.setEncoding('latin1')
    let isOver = false
    socket.on('data', (text: string) => {
      if (isOver) return void seen.behind.push(text)
      for (const line of text.split('\r\n').filter(Boolean)) {
        if (/^EHLO/.test(line)) socket.write('250-bad.example.test\r\n250 STARTTLS\r\n')
        else if (line === 'STARTTLS') {
          isOver = true
          upgrade(socket)
        } else {
          if (/^RCPT/.test(line)) seen.plain++
          socket.write('250 2.0.0 OK\r\n')
        }
      }
    })
  })
  const upgrade = (socket: Socket): void => {
    const injected = '250 injected.example\r\n250 2.0.0 injected\r\n'
    if (trick === 'hangs') socket.write('220 go\r\n')
    else if (trick === 'breaks') {
      socket.write('220 go\r\n')
      setTimeout(() => socket.end('this is no TLS\r\n'), 50)
    } else if (trick === 'injects in the packet') {
      socket.write(`220 go\r\n${injected}`)
      new TLSSocket(socket, { isServer: true, secureContext: context }).on('error', () => {})
    } else {
      socket.write('220 go\r\n', () => socket.write(injected))
      new TLSSocket(socket, { isServer: true, secureContext: context }).on('error', () => {})
    }
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  undoAfter(owner, () => void server.close())
  return Object.assign(seen, { port: (server.address() as AddressInfo).port })
}

const bad = (port: number, mode: string) =>
  `backend: { address: '127.0.0.1:${port}', identity: none, i_know_the_backend_sees_the_gate: true, tls: ${mode} }`

for (const trick of ['breaks', 'hangs', 'injects later'] as const) {
  test(`a backend whose handshake goes wrong (${trick}): opportunistic goes on in the clear, required hears 451`, async t => {
    const backend = await startBad(t, trick)
    const easy = await startHere(t, bad(backend.port, 'opportunistic'), { tlsHandshake: 300 })
    const client = await connect(t, { port: easy.port })
    assert.match(await untilRcpt(client), /^250 /)
    assert.equal(backend.plain, 1)
    assert.equal(await handshakes(easy, 'backend', trick === 'hangs' ? 'timeout' : 'failed'), 1)
    const strict = await startHere(t, bad(backend.port, 'required'), { tlsHandshake: 300 })
    const other = await connect(t, { port: strict.port })
    assert.match(await untilRcpt(other), /^451 /)
    await other.command('QUIT', /^221/)
    assert.equal(backend.plain, 1)
    await until('its line', () => strict.lines.some(({ event }) => event === 'session'))
    assert.match(String(strict.lines.find(({ event }) => event === 'session')?.['detail']), /the TLS handshake/)
    // Nothing but TLS was said behind our STARTTLS.
    for (const text of backend.behind) assert.ok(text.startsWith('\x16\x03'), text)
  })
}

for (const mode of ['opportunistic', 'required']) {
  test(`replies injected behind the 220 of a backend are never taken for its own (${mode})`, async t => {
    const backend = await startBad(t, 'injects in the packet')
    const gate = await startHere(t, bad(backend.port, mode), { tlsHandshake: 300 })
    const client = await connect(t, { port: gate.port })
    assert.match(await untilRcpt(client), /^451 /)
    await client.command('QUIT', /^221/)
    assert.equal(backend.plain, 0)
  })
}
