import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startGate } from '../support/gate.ts'
import { startSink } from '../support/sink.ts'
import { believing, connectAs, untilRcpt } from './client.ts'

const sink = await startSink({ after }, { proxy: true })
const base = `backend: 127.0.0.1:${sink.port}\n${believing}\ngreet: { wait: 0s }\ndelays: { turned_away: 0s }\n`

test('a client with too many connections hears 421 4.7.0, others and allowed ones do not', async t => {
  const gate = await startGate(t, `${base}limits: { per_client: 2 }\naccess: { allow: [198.51.100.0/24] }`)
  const first = await connectAs(t, gate, '192.0.2.7')
  const second = await connectAs(t, gate, '192.0.2.7')
  for (const client of [first, second]) await client.expect(/^220 /)
  const third = await connectAs(t, gate, '192.0.2.7')
  const { text } = await third.expect(/^421 4\.7\.0 gate\.example\.test Error: too many connections; ref=\w+$/)
  assert.equal(await third.closed, 'fin')
  const line = await gate.waitForLine(({ event }) => event === 'turned_away')
  assert.deepEqual([line['client'], line['reason']], ['192.0.2.7', 'per_client'])
  assert.ok(text.endsWith(`ref=${line['id']}`))
  await (await connectAs(t, gate, '192.0.2.8')).expect(/^220 /)
  // One client of IPv6 has a whole network.
  for (const end of ['1', '2']) await (await connectAs(t, gate, `2001:db8:0:1::${end}`)).expect(/^220 /)
  await (await connectAs(t, gate, '2001:db8:0:1::3')).expect(/^421 4\.7\.0 /)
  await (await connectAs(t, gate, '2001:db8:0:2::3')).expect(/^220 /)
  for (let count = 0; count < 5; count++) await (await connectAs(t, gate, '198.51.100.7')).expect(/^220 /)
  await first.command('QUIT', /^221/)
  first.end()
  await gate.waitForSession(({ client }) => client === '192.0.2.7')
  await (await connectAs(t, gate, '192.0.2.7')).expect(/^220 /)
  assert.equal(await gate.metric('sallyport_connections_refused_total{reason="per_client"}'), 2)
})

test('a network with too many connections hears 421 4.7.0 and the log says which limit that is', async t => {
  const gate = await startGate(t, `${base}limits: { per_client: 2, per_network: 3 }\naccess: { allow: [192.0.2.9] }`)
  const clients = await Promise.all(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map(address => connectAs(t, gate, address)))
  for (const client of clients) await client.expect(/^220 /)
  const fourth = await connectAs(t, gate, '192.0.2.4')
  const { text } = await fourth.expect(/^421 4\.7\.0 gate\.example\.test Error: too many connections; ref=\w+$/)
  const line = await gate.waitForLine(({ event }) => event === 'turned_away')
  assert.deepEqual([line['client'], line['reason']], ['192.0.2.4', 'per_network'])
  assert.ok(text.endsWith(`ref=${line['id']}`))
  await (await connectAs(t, gate, '192.0.2.9')).expect(/^220 /)
  await (await connectAs(t, gate, '192.0.3.4')).expect(/^220 /)
  // Of IPv6 a network is what one customer has.
  for (const subnet of [1, 2, 3]) await (await connectAs(t, gate, `2001:db8:7:${subnet}::1`)).expect(/^220 /)
  await (await connectAs(t, gate, '2001:db8:7:4::1')).expect(/^421 4\.7\.0 /)
  await (await connectAs(t, gate, '2001:db8:8:4::1')).expect(/^220 /)
  for (const client of clients.slice(0, 2)) client.end()
  await gate.waitForSession(() => gate.log().length >= 2)
  await (await connectAs(t, gate, '192.0.2.4')).expect(/^220 /)
  assert.equal(await gate.metric('sallyport_connections_refused_total{reason="per_network"}'), 2)
})

test('a network has no fewer connections than one client in it', async t => {
  const gate = await startGate(t, `${base}limits: { per_client: 3, per_network: 1 }`)
  for (let count = 0; count < 3; count++) await (await connectAs(t, gate, '192.0.2.7')).expect(/^220 /)
  await (await connectAs(t, gate, '192.0.2.8')).expect(/^421 4\.7\.0 /)
})

test('one client that is turned away again and again keeps nobody else out', async t => {
  const gate = await startGate(t, `${base}limits: { connections: 10, per_client: 2 }`)
  for (let count = 0; count < 2; count++) await (await connectAs(t, gate, '192.0.2.7')).expect(/^220 /)
  for (let count = 1; count <= 20; count++) {
    // It does not read, and so does not close its side: each of these connections lasts for two seconds.
    const client = await connectAs(t, gate, '192.0.2.7')
    client.reading(false)
    await gate.waitForMetric('sallyport_connections_refused_total{reason="per_client"}', count)
  }
  await (await connectAs(t, gate, '192.0.2.8')).expect(/^220 /)
})

test('above the limit of all connections clients hear 421 4.3.2, and the gate says that it is not ready', async t => {
  const gate = await startGate(t, `${base}limits: { connections: 3 }`)
  const clients = await Promise.all(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map(address => connectAs(t, gate, address)))
  for (const client of clients) await client.expect(/^220 /)
  assert.deepEqual(await gate.admin('/readyz'), { status: 503, text: 'at the limit of connections\n' })
  const fourth = await connectAs(t, gate, '192.0.2.4')
  await fourth.expect(/^421 4\.3\.2 gate\.example\.test Service not available, try again later; ref=\w+$/)
  assert.equal(await fourth.closed, 'fin')
  assert.equal(await gate.metric('sallyport_connections_refused_total{reason="limit"}'), 1)
  assert.equal(await gate.metric('sallyport_connections_limit'), 3)
  for (const client of [...clients, fourth]) client.end()
  for (const client of clients) await client.closed
  await gate.waitForMetric('sallyport_connections_open', 0)
  await gate.waitForSession(() => gate.log().length >= 3)
  assert.ok(!gate.log().some(({ client }) => client === '192.0.2.4'), 'the fourth had no session')
  assert.equal((await gate.admin('/readyz')).status, 200)
  assert.match(await untilRcpt(await connectAs(t, gate, '192.0.2.4')), /^250 /)
})

test('a line too long is answered 500, one without end 421, and a session of too many commands 421', async t => {
  const gate = await startGate(
    t,
    `${base}limits: { command_line: 512, commands: 10 }\nchecks: { commands: { enabled: false } }`,
  )
  const client = await connectAs(t, gate, '192.0.2.7')
  await client.expect(/^220 /)
  await client.command(`NOOP ${'x'.repeat(505)}`, /^250 /)
  await client.command(`NOOP ${'x'.repeat(600)}`, /^500 5\.5\.2 Error: line too long$/)
  for (let count = 2; count < 10; count++) await client.command('NOOP', /^250 /)
  await client.command('NOOP', /^421 4\.7\.0 gate\.example\.test Error: too many commands; ref=/)
  assert.equal(await client.closed, 'fin')
  assert.equal((await gate.waitForSession(({ commands }) => commands === 11)).ending, 'limit')

  const endless = await connectAs(t, gate, '192.0.2.8')
  await endless.expect(/^220 /)
  endless.sendRaw('x'.repeat(200_000))
  await endless.expect(/^421 4\.7\.0 /)
  assert.equal(await endless.closed, 'fin')
})

test('a client with too many connections waits for the word that sends it away, as long as it stays', async t => {
  const gate = await startGate(
    t,
    `backend: 127.0.0.1:${sink.port}
${believing}
greet: { wait: 0s }
limits: { per_client: 1 }
delays: { turned_away: 1500ms }`,
  )
  await (await connectAs(t, gate, '192.0.2.7')).expect(/^220 /)
  const begin = performance.now()
  const [hasty, patient] = [await connectAs(t, gate, '192.0.2.7'), await connectAs(t, gate, '192.0.2.7')]
  hasty.end()
  patient.sendRaw('EHLO bot.example.net\r\n'.repeat(1_000))
  assert.equal(await hasty.closed, 'fin')
  assert.ok(performance.now() - begin < 1_200, 'who leaves is let go at once')
  await patient.expect(/^421 4\.7\.0 gate\.example\.test Error: too many connections; ref=\w+$/)
  assert.ok(performance.now() - begin > 1_450, 'it waited')
  assert.equal(await patient.closed, 'fin')
  assert.equal(await gate.metric('sallyport_connections_refused_total{reason="per_client"}'), 2)
  const held = await connectAs(t, gate, '192.0.2.7')
  await gate.waitForMetric('sallyport_connections_refused_total{reason="per_client"}', 3)
  gate.signal('SIGTERM')
  await held.expect(/^421 4\.7\.0 /)
})
