import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { idsOf, sendUntil } from '../faults/sender.ts'
import { connect, type Dialogue } from '../support/dialogue.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import type { Owner } from '../support/owner.ts'
import { startPostfix } from '../support/postfix.ts'
import { type Sink, startSink } from '../support/sink.ts'

const quick = 'greet: { wait: 0s }\nlimits: { per_client: 10000 }'
const address = ({ port }: { readonly port: number }) => `127.0.0.1:${port}`
const countsOf = (sinks: readonly Sink[]) => sinks.map(({ messages }) => messages.length)

const startSinks = (t: Owner, many: number): Promise<Sink[]> =>
  Promise.all(Array.from({ length: many }, () => startSink(t, { proxy: true })))

async function hello(t: Owner, gate: RunningGate): Promise<Dialogue> {
  const client = await connect(t, { port: gate.port })
  await client.expect(/^220/)
  await client.command('EHLO client.example.net', /^250/)
  return client
}

async function message(client: Dialogue, to: string, subject = 'x'): Promise<void> {
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command(`RCPT TO:<${to}>`, /^250/)
  await client.command('DATA', /^354/)
  client.sendRaw(`Subject: ${subject}\r\n\r\ntext\r\n.\r\n`)
  await client.expect(/^250/)
}

async function mail(t: Owner, gate: RunningGate, to: string): Promise<void> {
  const client = await hello(t, gate)
  await message(client, to)
  await client.command('QUIT', /^221/)
}

test('order: the first takes all; weight: each takes its share; the log names the server of each session', async t => {
  const sinks = await startSinks(t, 2)
  const [first, second] = sinks.map(address)
  const inOrder = await startGate(t, `backend: { servers: ['${first}', '${second}'] }\n${quick}`)
  for (let n = 0; n < 4; n++) await mail(t, inOrder, 'user@example.test')
  assert.deepEqual(countsOf(sinks), [4, 0])
  const servers = `[{ address: '${first}', weight: 3 }, '${second}']`
  const byWeight = await startGate(t, `backend: { servers: ${servers}, pick: weight }\n${quick}`)
  for (let n = 0; n < 8; n++) await mail(t, byWeight, 'user@example.test')
  assert.deepEqual(countsOf(sinks), [4 + 6, 2])
  await byWeight.waitForSession(() => byWeight.log().length === 8)
  const named = byWeight.log().filter(({ backend }) => backend === second)
  assert.equal(named.length, 2)
})

test('a session stays with its server, whatever the choice for others', async t => {
  const sinks = await startSinks(t, 3)
  const gate = await startGate(
    t,
    `backend: { servers: ['${sinks.map(address).join("', '")}'], pick: weight }\n${quick}`,
  )
  const client = await hello(t, gate)
  for (let n = 0; n < 3; n++) await message(client, 'user@example.test')
  await client.command('QUIT', /^221/)
  assert.deepEqual(countsOf(sinks).toSorted(), [0, 0, 3])
  // One that declines MAIL is let go, and the session is the gate's again; what it sends next goes to the same server.
  for (const sink of sinks) sink.faults.set('mail', { kind: 'reply', text: '450 4.7.1 not now', times: 1 })
  const declined = await hello(t, gate)
  await declined.command('MAIL FROM:<sender@example.net>', /^250/)
  await declined.command('RCPT TO:<user@example.test>', /^450 4\.7\.1/)
  await declined.command('RSET', /^250/)
  const before = countsOf(sinks)
  const decliner = sinks.findIndex(sink =>
    sink.connections.some(({ replies }) => replies.includes('450 4.7.1 not now')),
  )
  await message(declined, 'user@example.test')
  await declined.command('QUIT', /^221/)
  assert.deepEqual(
    countsOf(sinks),
    before.map((count, i) => count + Number(i === decliner)),
  )
})

test('what all servers offer is offered, the smallest size, and what one stops offering is offered no more', async t => {
  const [small, large] = [
    await startSink(t, { proxy: true, keywords: ['SIZE 1000', '8BITMIME', 'DSN'] }),
    await startSink(t, { proxy: true, keywords: ['SIZE 5000', 'DSN', 'SMTPUTF8', '8BITMIME'] }),
  ]
  const route = `routes: [{ domains: [a.example], backend: { address: '${address(large)}', probe_every: 1s } }]`
  const gate = await startGate(t, `backend: '${address(small)}'\n${route}\n${quick}`)
  const offered = async () => {
    const client = await connect(t, { port: gate.port })
    await client.expect(/^220/)
    const { text } = await client.command('EHLO client.example.net', /^250/)
    await client.command('QUIT', /^221/)
    return text
  }
  const text = await offered()
  assert.match(text, /^250-SIZE 1000$/m)
  assert.match(text, /DSN/)
  assert.doesNotMatch(text, /SMTPUTF8/)
  large.keywords = ['8BITMIME']
  for (let n = 0; (await offered()).includes('DSN'); n++) {
    assert.ok(n < 100, 'DSN is offered on')
    await sleep(50)
  }
})

test('by recipient domain: each goes to its server, and a session may go from one to the other', async t => {
  const sinks = await startSinks(t, 3)
  const [rest, one, two] = sinks
  if (rest === undefined || one === undefined || two === undefined) throw new Error('three sinks')
  const gate = await startGate(
    t,
    `backend: '${address(rest)}'
routes:
  - { domains: [one.example, '*.one.example'], backend: '${address(one)}' }
  - { domains: [Two.example], backend: { servers: ['${address(two)}'] } }
${quick}`,
  )
  for (const to of ['a@one.example', 'a@SUB.one.example', 'a@two.example', 'a@three.example']) await mail(t, gate, to)
  assert.deepEqual(countsOf(sinks), [1, 2, 1])
  const client = await hello(t, gate)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<a@one.example>', /^250/)
  await client.command('RCPT TO:<a@two.example>', /^452 4\.5\.3/)
  await client.command('RCPT TO:<b@one.example>', /^250/)
  await client.command('DATA', /^354/)
  client.sendRaw('Subject: for one\r\n\r\n.\r\n')
  await client.expect(/^250/)
  await message(client, 'a@two.example', 'for two')
  await message(client, 'a@three.example', 'for the rest')
  await client.command('QUIT', /^221/)
  assert.deepEqual(countsOf(sinks), [2, 3, 2])
  const last = one.connections.findLast(({ commands }) => commands.some(line => line.startsWith('RCPT')))
  assert.deepEqual(
    last?.commands.filter(line => line.startsWith('RCPT')),
    ['RCPT TO:<a@one.example>', 'RCPT TO:<b@one.example>'],
  )
  for (const sink of sinks)
    assert.equal(await gate.metric(`sallyport_backend_server_connections{backend="${address(sink)}"}`), 0)
})

test('a route without a server that is up: the backend is not up, and the others go on', async t => {
  const [rest, routed] = await startSinks(t, 2)
  if (rest === undefined || routed === undefined) throw new Error('two sinks')
  const route = `routes: [{ domains: [a.example], backend: '${address(routed)}' }]`
  const gate = await startGate(t, `backend: '${address(rest)}'\n${route}\n${quick}`)
  assert.match((await gate.admin('/readyz')).text, /backend: up/)
  await routed.stop()
  const client = await hello(t, gate)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<user@a.example>', /^451/)
  await gate.waitForMetric('sallyport_backend_up', 0)
  assert.equal(await gate.metric(`sallyport_backend_server_up{backend="${address(routed)}"}`), 0)
  assert.equal(await gate.metric(`sallyport_backend_server_up{backend="${address(rest)}"}`), 1)
  const { status, text } = await gate.admin('/readyz')
  assert.deepEqual([status, /backend: down/.test(text)], [200, true])
  await mail(t, gate, 'user@example.test')
})

test('one that comes back is given its share little by little', async t => {
  const sinks = await startSinks(t, 2)
  const [first, second] = sinks
  const servers = `servers: ['${sinks.map(address).join("', '")}'], probe_every: 1s`
  const gate = await startGate(t, `backend: { ${servers} }\n${quick}`)
  await first?.stop()
  await gate.waitForMetric(`sallyport_backend_server_up{backend="${address(first ?? { port: 0 })}"}`, 0)
  await first?.start()
  await gate.waitForMetric(`sallyport_backend_server_up{backend="${address(first ?? { port: 0 })}"}`, 1)
  const since = performance.now()
  for (let n = 0; n < 30; n++) await mail(t, gate, 'user@example.test')
  const took = (performance.now() - since) / 30_000
  const share = (first?.messages.length ?? 0) / 30
  // It is the first in the order, and would take all.
  assert.ok(share > 0 && share < 0.2 + took, `${share} of the sessions`)
  assert.equal(
    countsOf(sinks).reduce((a, b) => a + b),
    30,
  )
  assert.ok((second?.messages.length ?? 0) > 15)
})

test('one of two Postfixes stops and comes back under traffic: nothing lost, nothing refused, hardly anybody notices', async t => {
  const mtas = [await startPostfix(t), await startPostfix(t)]
  const servers = mtas.map(({ ports }) => `127.0.0.1:${ports.proxy}`)
  const gate = await startGate(t, `backend: { servers: ['${servers.join("', '")}'], pick: weight }\n${quick}`)
  const stop = { aborted: false }
  const sending = sendUntil(t, { port: () => gate.port }, 5, stop)
  await sleep(1_000)
  await mtas[0]?.stop()
  await sleep(1_000)
  await mtas[0]?.start()
  await sleep(2_000)
  stop.aborted = true
  const deliveries = await sending
  assert.deepEqual(
    deliveries.filter(({ outcome }) => outcome !== 'accepted'),
    [],
  )
  // Only whoever was in the middle of a message there has to come again: one for each sender at the most.
  const again = deliveries.filter(({ attempts }) => attempts > 1)
  assert.ok(again.length <= 5, `${again.length} of ${deliveries.length} had to try again`)
  const there = async () => (await Promise.all(mtas.map(mta => mta.messages()))).flatMap(idsOf)
  for (let n = 0; new Set(await there()).size < deliveries.length; n++) {
    assert.ok(n < 100, 'messages are lost')
    await sleep(100)
  }
  assert.equal(await gate.metric('sallyport_backend_up'), 1)
  assert.ok((await gate.metric(`sallyport_backend_server_ejections_total{backend="${servers[0]}"}`)) > 0)
})
