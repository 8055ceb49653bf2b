import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../support/dialogue.ts'
import { type Fault, type Sink, type Stage, startSink } from '../support/sink.ts'
import { until } from '../support/until.ts'
import { type GateHere, openSockets, shortWaits, startHere } from './here.ts'
import { type Course, type Step, sendOne } from './one-message.ts'

/** Where the backend fails, and at which of the client's steps that is heard: the backend is opened at the first RCPT. */
const heardAt = {
  greeting: 'rcpt',
  ehlo: 'rcpt',
  mail: 'rcpt',
  rcpt: 'rcpt',
  data: 'data',
  body: 'message',
  message: 'message',
} as const satisfies Partial<Record<Stage, Step>>
type Struck = keyof typeof heardAt

const faults: Readonly<Record<string, Fault>> = {
  'never answers': { kind: 'hang' },
  'closes in order': { kind: 'fin' },
  'closes by a reset': { kind: 'rst' },
  'says 421 and closes': { kind: 'reply', text: '421 4.3.2 going down', close: 'fin' },
  'says 421 and stays': { kind: 'reply', text: '421 4.3.2 going down' },
  'says what is no reply': { kind: 'reply', text: 'banana' },
  'says 299 and half a reply': { kind: 'reply', text: '250-first\r\n251 second' },
  'says a reply without an end': { kind: 'reply', text: Array(20_000).fill('250-and so on').join('\r\n') },
  'says a line without an end': { kind: 'reply', text: `250 ${'x'.repeat(200_000)}` },
  'says 354 where it means nothing': { kind: 'reply', text: '354 go on' },
}

const replyCode: Readonly<Partial<Record<Step, RegExp>>> = { rcpt: /^250 2\.1\.5/, data: /^354/, message: /queued as/ }

/** The law: what goes on at the client was said by the backend; what does not is 4xx or a close. */
function assertLawful(course: Course, sink: Sink, since: number): void {
  const replies = sink.connections.slice(since).flatMap(session => session.replies)
  for (const [step, said] of Object.entries(replyCode)) {
    const code = course.codes[step as Step] ?? 421
    assert.ok(code < 500, `${code} to ${step}\n${course.transcript}`)
    if (code < 400)
      assert.ok(
        replies.some(reply => said.test(reply)),
        `${code} to ${step}\n${course.transcript}`,
      )
  }
}

async function withSink(t: Parameters<typeof startSink>[0]): Promise<{ sink: Sink; gate: GateHere }> {
  const sink = await startSink(t, { proxy: true })
  // The start asks the backend what it offers: all is well until then.
  const gate = await startHere(t, `backend: 127.0.0.1:${sink.port}`, shortWaits)
  return { sink, gate }
}

for (const [name, fault] of Object.entries(faults)) {
  test(`a backend ${name}: the client hears 4xx in time, at every stage`, async t => {
    const before = openSockets()
    const stages = Object.keys(heardAt) as Struck[]
    const worlds = await Promise.all(stages.map(async stage => ({ stage, ...(await withSink(t)) })))
    const atRest = openSockets()
    await Promise.all(
      worlds.map(async ({ stage, sink, gate }) => {
        if (stage === 'data' && name === 'says 354 where it means nothing') return
        const since = sink.connections.length
        sink.faults.set(stage, fault)
        const course = await sendOne(t, gate.port)
        assertLawful(course, sink, since)
        const heard = heardAt[stage]
        const code = course.codes[heard] ?? 0
        assert.ok(code === 0 || (code >= 400 && code < 500), `${stage}: ${code}\n${course.transcript}`)
        assert.ok((course.ms[heard] ?? 0) < 1_400, `${stage}: after ${course.ms[heard]} ms`)
        assert.equal(course.codes.quit, undefined, course.transcript)
        await until(`${stage}: no session is left`, () => gate.running.gate.connections.size === 0)
        sink.faults.set(stage, undefined)
        // All is well again, and nothing of it is left.
        const next = await sendOne(t, gate.port)
        assert.deepEqual([next.codes.message, next.codes.quit, next.end], [250, 221, 'fin'], next.transcript)
      }),
    )
    await until('the sockets are as before', () => openSockets() <= atRest)
    assert.ok(before < atRest)
  })
}

const properly = {
  greeting: '220 sink ESMTP',
  ehlo: '250 sink',
  mail: '250 2.1.0 Ok',
  rcpt: '250 2.1.5 Ok',
  data: '354 go on',
  message: '250 2.0.0 Ok: queued as S1',
} as const satisfies Partial<Record<Stage, string>>

for (const [stage, reply] of Object.entries(properly)) {
  test(`a backend that says more than it was asked at ${stage} is not believed any further`, async t => {
    for (const extra of ['250 2.0.0 extra', '550 5.0.0 extra', '354 extra', '421 4.3.2 extra']) {
      const { sink, gate } = await withSink(t)
      const since = sink.connections.length
      // In one packet. In two nobody could tell it from a quick answer to what follows.
      sink.faults.set(stage as Struck, { kind: 'reply', text: `${reply}\r\n${extra}` })
      const course = await sendOne(t, gate.port)
      assertLawful(course, sink, since)
      assert.notEqual(course.codes.quit, 221, course.transcript)
      // What it said in answer counts, the message's acceptance above all.
      if (stage === 'message') assert.equal(course.codes.message, 250, course.transcript)
      else assert.notEqual(course.codes.message, 250, course.transcript)
      if (stage === 'greeting' || stage === 'ehlo' || stage === 'mail') {
        const expected = extra.startsWith('421') ? [421, 451] : [451]
        assert.ok(expected.includes(course.codes.rcpt ?? 0), `${extra}\n${course.transcript}`)
      }
    }
  })
}

test('a backend that answers octet by octet is heard as any other', async t => {
  const { sink, gate } = await withSink(t)
  sink.split = true
  const course = await sendOne(t, gate.port)
  assert.deepEqual(Object.values(course.codes), [220, 250, 250, 250, 354, 250, 221], course.transcript)
  assert.equal(sink.messages.length, 1)
})

test('a backend that refuses its greeting for good has nothing against the client: 451', async t => {
  const { sink, gate } = await withSink(t)
  sink.faults.set('greeting', { kind: 'reply', text: '554 5.3.2 no service here' })
  const course = await sendOne(t, gate.port)
  assert.equal(course.codes.rcpt, 451, course.transcript)
})

test('a backend that is not there: 451 at once, one line in the log, and one when it is back', async t => {
  const { sink, gate } = await withSink(t)
  await sink.stop()
  for (let n = 0; n < 5; n++) {
    const course = await sendOne(t, gate.port)
    assert.equal(course.codes.rcpt, 451, course.transcript)
    assert.ok((course.ms.rcpt ?? 0) < 300, `${course.ms.rcpt} ms`)
  }
  await sink.start()
  const course = await sendOne(t, gate.port)
  assert.equal(course.codes.message, 250, course.transcript)
  const said = gate.lines.filter(line => line['event'] === 'backend').map(line => line.level)
  assert.deepEqual(said, ['error', 'info'])
})

test('a backend that babbles into a message is let go at once, and the client hears of it after its final dot', async t => {
  const { sink, gate } = await withSink(t)
  sink.faults.set('body', { kind: 'reply', text: 'banana' })
  const client = await connect(t, { port: gate.port })
  await client.expect(/^220/)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<user@example.test>', /^250/)
  await client.command('DATA', /^354/)
  client.send('Subject: x')
  await sink.waitFor(({ connections }) => connections.at(-1)?.ended !== undefined, 5_000)
  await client.silence(50)
  client.send('.')
  await client.expect(/^421/)
  assert.equal(sink.messages.length, 0)
})
