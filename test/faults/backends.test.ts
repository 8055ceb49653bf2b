import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Dialogue } from '../support/dialogue.ts'
import type { Owner } from '../support/owner.ts'
import { type Fault, type Sink, type Stage, startSink } from '../support/sink.ts'
import { until } from '../support/until.ts'
import { type GateHere, openSockets, shortWaits, startHere } from './here.ts'
import { type Course, sendOne } from './one-message.ts'
import { deliver, idsOf, sendUntil } from './sender.ts'

/** Sinks, and a gate in front of them that looks at them too seldom to matter. */
async function world(
  t: Owner,
  many: number,
  keys: string,
  waits = shortWaits,
): Promise<{ sinks: Sink[]; gate: GateHere }> {
  const sinks = await Promise.all(Array.from({ length: many }, () => startSink(t, { proxy: true })))
  const servers = sinks.map(({ port }) => `127.0.0.1:${port}`)
  const backend = `backend: { servers: ['${servers.join("', '")}'], probe_every: 1h, ${keys} }`
  return { sinks, gate: await startHere(t, `${backend}\nlimits: { per_client: 10000 }`, waits) }
}

/** Long enough that who waits for a server, and who does not, are told apart on a busy machine. */
const longWaits = { backendConnect: 1_500, backendGreeting: 1_500, backendReply: 1_500, backendFinal: 1_500 }
const atOnce = 1_200

const accepted = [220, 250, 250, 250, 354, 250, 221]
const codesOf = ({ codes }: Course): number[] => Object.values(codes)
const messagesOf = (sinks: readonly Sink[]): number[] => sinks.map(({ messages }) => messages.length)

function assertAtRest({ running: { gate } }: GateHere): void {
  assert.deepEqual(
    gate.backends.servers.map(({ open }) => open),
    gate.backends.servers.map(() => 0),
  )
  assert.equal(gate.backends.waiting, 0)
}

/** A client that has its backend, and keeps it. */
async function holding(t: Owner, port: number): Promise<Dialogue> {
  const client = await connect(t, { port })
  await client.expect(/^220/)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<user@example.test>', /^250/)
  return client
}

const early: readonly (readonly [what: string, stage: Stage, fault: Fault])[] = [
  ['accepts and never greets', 'greeting', { kind: 'hang' }],
  ['closes instead of greeting', 'greeting', { kind: 'fin' }],
  ['resets instead of greeting', 'greeting', { kind: 'rst' }],
  ['greets with 421', 'greeting', { kind: 'reply', text: '421 4.3.2 busy', close: 'fin' }],
  ['greets with 554', 'greeting', { kind: 'reply', text: '554 5.3.2 no service here' }],
  ['is lost at EHLO', 'ehlo', { kind: 'rst' }],
  ['is lost at MAIL', 'mail', { kind: 'fin' }],
  ['is lost at RCPT', 'rcpt', { kind: 'rst' }],
  ['is silent at RCPT', 'rcpt', { kind: 'hang' }],
]

for (const [what, stage, fault] of early) {
  test(`a server that ${what}: the next one takes the session, and the client notices nothing`, async t => {
    const { sinks, gate } = await world(t, 2, 'pick: order', longWaits)
    sinks[0]?.faults.set(stage, fault)
    const first = await sendOne(t, gate.port)
    assert.deepEqual(codesOf(first), accepted, first.transcript)
    assert.deepEqual(messagesOf(sinks), [0, 1])
    // It is left out from then on: the next client does not even wait for it.
    const tried = sinks[0]?.connections.length
    const second = await sendOne(t, gate.port)
    assert.deepEqual(codesOf(second), accepted, second.transcript)
    assert.ok((second.ms.rcpt ?? 0) < atOnce, `${second.ms.rcpt} ms`)
    // But for the look that the gate itself takes at it.
    assert.ok((sinks[0]?.connections.length ?? 0) <= (tried ?? 0) + 1)
    await until('all is given back', () => gate.running.gate.connections.size === 0)
    assertAtRest(gate)
    const line = gate.lines.find(({ event }) => event === 'session')
    assert.equal(line?.['backend'], `127.0.0.1:${sinks[1]?.port}`)
    assert.equal(line?.['verdict'], 'passed')
  })
}

test("a server's own no is no failure: the client hears it, and the server stays in use", async t => {
  const { sinks, gate } = await world(t, 2, 'pick: order')
  for (const [stage, text] of [
    ['mail', '451 4.3.0 not now'],
    ['mail', '550 5.7.1 not you'],
    ['rcpt', '450 4.2.0 greylisted'],
    ['rcpt', '550 5.1.1 nobody'],
  ] as const) {
    sinks[0]?.faults.set(stage, { kind: 'reply', text, times: 1 })
    const course = await sendOne(t, gate.port)
    assert.equal(course.codes.rcpt, Number(text.slice(0, 3)), course.transcript)
  }
  assert.equal(sinks[1]?.connections.length, 1, 'more than the look at the start')
  assert.deepEqual(codesOf(await sendOne(t, gate.port)), accepted)
  assert.deepEqual(messagesOf(sinks), [1, 0])
})

test('what a server has said is never said by another: trouble after its first reply is the client’s', async t => {
  const { sinks, gate } = await world(t, 2, 'pick: order')
  for (const stage of ['data', 'body', 'message'] as const) {
    sinks[0]?.faults.set(stage, { kind: 'rst', times: 1 })
    const course = await sendOne(t, gate.port)
    assert.equal(course.codes.rcpt, 250, course.transcript)
    assert.ok([undefined, 421].includes(course.codes.message), course.transcript)
  }
  assert.deepEqual(messagesOf(sinks)[1], 0)
})

test('all servers down: 451 at once, and in use again as soon as one is back', async t => {
  const { sinks, gate } = await world(t, 2, 'pick: order', longWaits)
  for (const sink of sinks) await sink.stop()
  for (let n = 0; n < 3; n++) {
    const course = await sendOne(t, gate.port)
    assert.equal(course.codes.rcpt, 451, course.transcript)
    assert.ok((course.ms.rcpt ?? 0) < atOnce, `${course.ms.rcpt} ms`)
  }
  await until('they are known to be down', () => !gate.running.gate.backends.areUp)
  await sinks[1]?.start()
  // A session finds it out, before the next look does.
  const course = await sendOne(t, gate.port)
  assert.deepEqual(codesOf(course), accepted, course.transcript)
  assert.ok(gate.running.gate.backends.areUp)
  const said = gate.lines.filter(({ event, ms }) => event === 'backend' && ms === undefined).map(({ level }) => level)
  assert.deepEqual(said, ['warn', 'error', 'info'])
  assertAtRest(gate)
})

test('a server killed under traffic: nothing lost, nothing refused, and the other takes what is new', async t => {
  const { sinks, gate } = await world(t, 2, 'pick: weight')
  const stop = { aborted: false }
  const sending = sendUntil(t, { port: () => gate.port }, 6, stop)
  await sleep(600)
  await sinks[0]?.stop('cut')
  await sleep(600)
  await sinks[0]?.start()
  await sleep(600)
  stop.aborted = true
  const deliveries = await sending
  assert.deepEqual(
    deliveries.filter(({ outcome }) => outcome !== 'accepted'),
    [],
  )
  const there = new Set(sinks.flatMap(({ messages }) => idsOf(messages)))
  for (const { id } of deliveries) assert.ok(there.has(id), `${id} is lost`)
  // What was under way on it is tried again; nobody else is made to.
  const again = deliveries.filter(({ attempts }) => attempts > 1)
  assert.ok(again.length <= 6, `${again.length} of ${deliveries.length} had to try again`)
  await until('all is given back', () => gate.running.gate.connections.size === 0)
  assertAtRest(gate)
})

test('a cap and a queue: whoever comes too many waits its turn, and hears 451 when it takes too long', async t => {
  const { sinks, gate } = await world(t, 2, 'connections: 1, queue: { length: 2, wait: 10s }', {
    ...longWaits,
    backendConnect: 3_000,
  })
  const { backends } = gate.running.gate
  const [first] = [await holding(t, gate.port), await holding(t, gate.port)]
  assert.deepEqual(
    backends.servers.map(({ open }) => open),
    [1, 1],
  )
  const served = sendOne(t, gate.port)
  await until('one waits', () => backends.waiting === 1)
  const late = sendOne(t, gate.port)
  await until('two wait', () => backends.waiting === 2)
  const course = await sendOne(t, gate.port)
  assert.equal(course.codes.rcpt, 451, course.transcript)
  assert.ok((course.ms.rcpt ?? 0) < atOnce, `${course.ms.rcpt} ms`)
  await first?.command('QUIT', /^221/)
  assert.deepEqual(codesOf(await served), accepted)
  // Its place was free again, so the second had its turn as well.
  assert.deepEqual(codesOf(await late), accepted)
  await holding(t, gate.port)
  const waited = await sendOne(t, gate.port)
  assert.equal(waited.codes.rcpt, 451, waited.transcript)
  const ms = waited.ms.rcpt ?? 0
  assert.ok(ms >= 1_450 && ms < 2_900, `${ms} ms: half of the time to connect`)
  assert.equal(sinks.flatMap(({ connections }) => connections).filter(({ ended }) => ended === 'rst').length, 0)
})

test('a client that leaves takes its place out of the queue', async t => {
  const { gate } = await world(t, 1, 'connections: 1, queue: { length: 5, wait: 1m }', {
    ...shortWaits,
    backendConnect: 10_000,
  })
  const { backends } = gate.running.gate
  const first = await holding(t, gate.port)
  const second = await connect(t, { port: gate.port })
  await second.expect(/^220/)
  for (const line of ['EHLO c.example.net', 'MAIL FROM:<a@example.net>']) await second.command(line, /^250/)
  second.send('RCPT TO:<user@example.test>')
  await until('it waits', () => backends.waiting === 1)
  second.destroy()
  await until('it waits no longer', () => backends.waiting === 0)
  await first.command('QUIT', /^221/)
  assert.deepEqual(codesOf(await sendOne(t, gate.port)), accepted)
  await until('all is given back', () => gate.running.gate.connections.size === 0)
  assertAtRest(gate)
})

test('after sessions of every kind all that was counted is given back', async t => {
  const { sinks, gate } = await world(t, 2, 'pick: weight, connections: 3, queue: { length: 4, wait: 1s }')
  const before = openSockets()
  const kinds: readonly (readonly [Stage, Fault])[] = [
    ['greeting', { kind: 'rst', times: 1 }],
    ['greeting', { kind: 'reply', text: '421 4.3.2 busy', close: 'fin', times: 1 }],
    ['ehlo', { kind: 'fin', times: 1 }],
    ['mail', { kind: 'reply', text: '550 5.7.1 no', times: 1 }],
    ['rcpt', { kind: 'rst', times: 1 }],
    ['data', { kind: 'fin', times: 1 }],
    ['message', { kind: 'rst', times: 1 }],
  ]
  let sessions = 0
  for (let round = 0; round < 60; round++) {
    const [stage, fault] = kinds[round % kinds.length] ?? ['greeting', { kind: 'fin', times: 1 }]
    sinks[round % 2]?.faults.set(stage, fault)
    const courses = await Promise.all(
      Array.from({ length: 16 }, async (_, n) => {
        sessions++
        if (n % 4 !== 3) return sendOne(t, gate.port)
        const client = await connect(t, { port: gate.port })
        client.sendRaw('EHLO c.example.net\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<user@example.test>\r\n')
        await sleep(n % 3)
        client.destroy()
        return null
      }),
    )
    for (const course of courses) {
      for (const code of course === null ? [] : codesOf(course))
        assert.ok(code < 500 || code === 550, course?.transcript)
    }
  }
  assert.ok(sessions >= 900)
  await until('nobody is left', () => gate.running.gate.connections.size === 0)
  assertAtRest(gate)
  await until('no socket is left', () => openSockets() <= before)
  assert.equal((await deliver(t, { port: () => gate.port }, 'last')).outcome, 'accepted')
})
