import assert from 'node:assert/strict'
import { connect as connectSocket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Dialogue } from '../support/dialogue.ts'
import { type Owner, undoAfter } from '../support/owner.ts'
import { type Sink, startSink } from '../support/sink.ts'
import { stopwatch } from '../support/stopwatch.ts'
import { until } from '../support/until.ts'
import { type GateHere, openSockets, startHere } from './here.ts'
import { sendOne } from './one-message.ts'

/** How far a client goes before it is gone. */
const course = [
  ['greeting', ''],
  ['EHLO', 'EHLO client.example.net\r\n'],
  ['MAIL', 'MAIL FROM:<sender@example.net>\r\n'],
  ['RCPT', 'RCPT TO:<user@example.test>\r\n'],
  ['DATA', 'DATA\r\n'],
] as const

async function goTo(client: Dialogue, last: (typeof course)[number][0]): Promise<void> {
  for (const [name, said] of course) {
    if (said !== '') client.sendRaw(said)
    await client.expect(/^[23]/)
    if (name === last) return
  }
}

async function world(t: TestContext, settings = '', waits = {}): Promise<{ sink: Sink; gate: GateHere }> {
  const sink = await startSink(t, { proxy: true })
  const gate = await startHere(t, `backend: 127.0.0.1:${sink.port}\n${settings}`, waits)
  return { sink, gate }
}

const isEmpty = ({ running }: GateHere) => running.gate.connections.size === 0

test('a client that vanishes, at whatever moment, leaves nothing behind and no message', async t => {
  const { sink, gate } = await world(t)
  const atRest = openSockets()
  const vanish = async (last: (typeof course)[number][0], then: string): Promise<void> => {
    const client = await connect(t, { port: gate.port })
    await goTo(client, last)
    if (then !== '') client.sendRaw(then)
    await sleep(20)
    client.reset()
  }
  const jobs = course.map(([name]) => vanish(name, ''))
  jobs.push(vanish('EHLO', 'MAIL FRO'), vanish('DATA', 'Subject: x\r\n\r\nbody\r\n'))
  jobs.push(vanish('DATA', 'x'.repeat(1_000_000)), vanish('DATA', 'body\r\n.'), vanish('DATA', 'body\r\n.\r'))
  await Promise.all(jobs)
  const teased = connectSocket({ port: gate.port, host: '127.0.0.1' }, () => teased.resetAndDestroy())
  await until('no session is left', () => isEmpty(gate) && openSockets() <= atRest)
  await sink.waitFor(({ connections }) => connections.every(session => session.closed))
  assert.equal(sink.messages.length, 0)
  assert.equal((await sendOne(t, gate.port)).codes.message, 250)
})

test('a client that vanishes while the backend is silent takes the backend connection with it', async t => {
  const { sink, gate } = await world(t)
  for (const stage of ['greeting', 'rcpt', 'data', 'message'] as const) {
    sink.faults.set(stage, { kind: 'hang', times: 1 })
    const client = await connect(t, { port: gate.port })
    await goTo(client, stage === 'data' ? 'RCPT' : stage === 'message' ? 'DATA' : 'MAIL')
    client.sendRaw(
      stage === 'data' ? 'DATA\r\n' : stage === 'message' ? 'body\r\n.\r\n' : 'RCPT TO:<user@example.test>\r\n',
    )
    await until(`${stage}: the backend is silent`, () => !sink.faults.isSet(stage))
    client.reset()
    await until(`${stage}: no session is left`, () => isEmpty(gate))
    await sink.waitFor(({ connections }) => connections.every(session => session.closed))
  }
})

test('a client that closes its half behind QUIT or its final dot hears the replies', async t => {
  const { sink, gate } = await world(t)
  const early = await connect(t, { port: gate.port })
  await goTo(early, 'EHLO')
  early.send('QUIT')
  early.end()
  await early.expect(/^221/)
  assert.equal(await early.closed, 'fin')

  sink.faults.set('message', { kind: 'delay', ms: 200 })
  const client = await connect(t, { port: gate.port })
  await goTo(client, 'DATA')
  client.sendRaw('Subject: x\r\n\r\nbody\r\n.\r\n')
  client.end()
  await client.expect(/queued as S1/)
  assert.equal(await client.closed, 'fin')

  const hasty = await connect(t, { port: gate.port })
  await goTo(hasty, 'DATA')
  hasty.sendRaw('Subject: x\r\n\r\nbody\r\n.\r\nQUIT\r\n')
  hasty.end()
  await hasty.expect(/queued as S2/)
  await hasty.expect(/^221/)
  assert.equal(await hasty.closed, 'fin')
})

test('a client that closes its half in a message has sent none, whenever the 354 comes', async t => {
  const { sink, gate } = await world(t, 'access: { allow: [127.0.0.1] }')
  for (const delay of [0, 200]) {
    sink.faults.set('data', delay === 0 ? undefined : { kind: 'delay', ms: delay })
    const client = await connect(t, { port: gate.port })
    await goTo(client, delay === 0 ? 'DATA' : 'RCPT')
    client.sendRaw(`${delay === 0 ? '' : 'DATA\r\n'}Subject: half of\r\n`)
    client.end()
    await until(`no session is left (${delay})`, () => isEmpty(gate))
    await sink.waitFor(({ connections }) => connections.every(session => session.closed))
  }
  assert.equal(sink.messages.length, 0)
})

/** Many clients from addresses of their own, to each of which `then` is done. */
async function connectMany(
  owner: Owner,
  port: number,
  many: number,
  then: (client: Connected, n: number) => void,
): Promise<Connected[]> {
  return Promise.all(
    Array.from({ length: many }, async (_, n) => {
      const socket = connectSocket({ port, host: '127.0.0.1', localAddress: `127.0.1.${n + 1}` })
      const client = { socket, said: '', closed: false }
      socket.setEncoding('latin1')
      socket.on('error', () => {})
      socket.on('close', () => {
        client.closed = true
      })
      undoAfter(owner, () => void socket.destroy())
      await new Promise<void>(resolve => socket.once('connect', () => resolve()))
      then(client, n)
      return client
    }),
  )
}

interface Connected {
  readonly socket: ReturnType<typeof connectSocket>
  said: string
  closed: boolean
}

test('a hundred clients that talk and never read are let go, and others are served meanwhile', async t => {
  const { gate } = await world(t, '', { command: 600 })
  const took = stopwatch()
  await connectMany(t, gate.port, 100, ({ socket }, n) => {
    socket.pause()
    // Half of them say nothing at all.
    if (n % 2 === 0) socket.write('EHLO client.example.net\r\n'.repeat(5_000))
  })
  assert.equal((await sendOne(t, gate.port)).codes.message, 250)
  await until('they are gone', () => isEmpty(gate), 15_000)
  assert.ok(took() < 4_500, `${took()} ms`)
})

test('who does not take its replies is not read from', async t => {
  const many = 'limits: { commands: 1000000 }\nchecks: { commands: { enabled: false } }'
  const { gate } = await world(t, many, { command: 1_000 })
  await connectMany(t, gate.port, 1, ({ socket }) => {
    socket.pause()
    // Far more replies than the kernel holds for two sockets.
    socket.write('EHLO client.example.net\r\n'.repeat(100_000))
  })
  let most = 0
  await until('it is gone', () => {
    for (const { client } of gate.running.gate.connections) most = Math.max(most, client.writableLength)
    return isEmpty(gate)
  })
  assert.ok(most > 0 && most < 16_384, `${most} octets waited for it`)
})

test('a client that sends thousands of commands at once, and reads, is answered to each', async t => {
  const { gate } = await world(t)
  const client = await connect(t, { port: gate.port })
  await goTo(client, 'MAIL')
  client.sendRaw(`${'RCPT TO:a\r\n'.repeat(4_900)}QUIT\r\n`)
  for (let count = 0; count < 4_900; count++) await client.expect(/^450 /)
  await client.expect(/^221 /)
})

test('a hundred clients that say one octet a second hear 421 when their command is due', async t => {
  const { gate } = await world(t, '', { command: 1_000 })
  const took = stopwatch()
  const clients = await connectMany(t, gate.port, 100, client => {
    client.socket.on('data', (text: string) => {
      client.said += text
    })
    const drip = setInterval(() => client.socket.write('x'), 300)
    client.socket.once('close', () => clearInterval(drip))
  })
  assert.equal((await sendOne(t, gate.port)).codes.message, 250)
  await until('they are gone', () => clients.every(({ closed }) => closed), 15_000)
  assert.ok(took() < 3_500, `${took()} ms`)
  for (const { said } of clients) assert.match(said, /^220 [^\n]+\n421 4\.4\.2 /)
})

test('a message that comes an octet at a time ends with the session, and what is said too slowly before the backend with the screening', async t => {
  const { sink, gate } = await world(t, '', { command: 500, data: 500, session: 1_500, screening: 1_000 })
  const client = await connect(t, { port: gate.port })
  await goTo(client, 'DATA')
  const noops = await connect(t, { port: gate.port })
  await noops.expect(/^220/)
  const drip = setInterval(() => {
    client.sendRaw('x')
    noops.send('NOOP')
  }, 200)
  t.after(() => clearInterval(drip))
  for (let reply = await noops.reply(); reply.code !== 421; reply = await noops.reply()) assert.equal(reply.code, 250)
  assert.ok(gate.running.gate.connections.size > 0)
  await client.expect(/^421 4\.4\.2/)
  assert.equal(sink.messages.length, 0)
})

test('a client that says QUIT hears every reply, and is let go at once though it stays and has said more behind it', async t => {
  const { gate } = await world(t)
  await sendOne(t, gate.port)
  for (const last of ['QUIT\r\n', 'QUIT\r\nNOOP\r\nnonsense']) {
    let said = ''
    const socket = connectSocket({ port: gate.port, host: '127.0.0.1', allowHalfOpen: true })
    undoAfter(t, () => void socket.destroy())
    const faults: Error[] = []
    let hasEnded = false
    socket.setEncoding('latin1')
    socket.on('data', text => {
      said += String(text)
    })
    socket.on('error', fault => faults.push(fault))
    socket.on('end', () => {
      hasEnded = true
    })
    await until('the greeting', () => said.includes('\r\n'))
    said = ''
    socket.write(`EHLO client.example.net\r\nMAIL FROM:<sender@example.net>\r\nRSET\r\n${last}`)
    await until('the end', () => hasEnded && isEmpty(gate), 1_900)
    assert.deepEqual(said.match(/^\d{3}(?= )/gm), ['250', '250', '250', '221'])
    assert.deepEqual(faults, [])
  }
})
