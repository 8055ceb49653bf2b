// What one gate learns of a client is heard in the sessions that the client has open at another.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { AilingRedis } from '../faults/ailing-redis.ts'
import type { Dialogue } from '../support/dialogue.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { startRedis } from '../support/redis.ts'
import { startSink } from '../support/sink.ts'
import { eventually } from '../support/store-world.ts'
import { believing, connectAs, sendMail, untilRcpt } from './client.ts'

const redis = await startRedis()
after(() => redis.stop())
const sink = await startSink({ after }, { proxy: true })
const spamSink = await startSink(
  { after },
  { proxy: true, faults: { message: { kind: 'reply', text: '550 5.7.1 Spam message rejected' } } },
)

const settings = (
  backend: number,
  store = `{ kind: redis, url: 'redis://127.0.0.1:${redis.port}', command_wait: 2s }`,
) => `backend: 127.0.0.1:${backend}
${believing}
trap_recipients: ['trap@example.test']
store: ${store}
timeouts: { recall: 2s, answers: 100ms }
dnsbl: { resolvers: ['127.0.0.1:1'], wait: 100ms }`

/** A session that has said MAIL and asks for nobody yet. */
async function upToMail(client: Dialogue): Promise<Dialogue> {
  await client.expect(/^220 /m)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  return client
}

async function fallsIntoTrap(client: Dialogue): Promise<void> {
  assert.match(await untilRcpt(client, { to: 'trap@example.test' }), /^450 4\.7\.1 Service unavailable/)
  await client.command('QUIT', /^221/)
}

/** The open sessions of the gate have been judged anew, `since` the block was learnt. */
async function untilJudged(gate: RunningGate, count: number, since: number): Promise<void> {
  await eventually(
    'they are asked for again',
    async () => (await gate.metric('sallyport_sessions_asked_again_total')) >= count,
  )
  // The answer of the store, and no more: what is done with it is the next command's.
  assert.ok(performance.now() - since < 1000, `${performance.now() - since} ms`)
  await new Promise(resolve => setTimeout(resolve, 1000 - (performance.now() - since)))
}

test('a client that falls into a trap at one gate is deferred within a second in all its sessions at another', async t => {
  const [first, second] = [await startGate(t, settings(sink.port)), await startGate(t, settings(sink.port))]
  const address = '198.51.100.7'
  const waiting = await upToMail(await connectAs(t, second, address))
  const relayed = await connectAs(t, second, address)
  assert.match(await untilRcpt(relayed), /^250/)
  await relayed.command('DATA', /^354/)
  relayed.sendRaw('Subject: wanted\r\n')
  const neighbour = await upToMail(await connectAs(t, second, '198.51.100.8'))

  await fallsIntoTrap(await connectAs(t, first, address))
  const since = performance.now()
  await untilJudged(second, 2, since)
  assert.match((await waiting.command('RCPT TO:<user@example.test>', /^450/)).text, /^450 4\.7\.1 Service unavailable/)
  // The message that was under way is not cut.
  await relayed.command('\r\ntext\r\n.', /^250/)
  await relayed.command('MAIL FROM:<sender@example.net>', /^250/)
  assert.match((await relayed.command('RCPT TO:<user@example.test>', /^450/)).text, /^450 4\.7\.1 Service unavailable/)
  await neighbour.command('RCPT TO:<user@example.test>', /^250/)
  for (const client of [waiting, relayed, neighbour]) await client.command('QUIT', /^221/)
  const line = await second.waitForSession(({ check }) => check === 'trap-recipient')
  assert.equal(line.why, 'asked for a trap lately')
  assert.equal(await first.metric('sallyport_store_blocks_total{event="told"}'), 1)
  assert.equal(await second.metric('sallyport_store_blocks_total{event="heard"}'), 1)
  assert.equal(await second.metric('sallyport_store_blocks_total{event="dropped"}'), 0)
})

test('a network that is blocked for its clients at one gate is refused at another', async t => {
  const refusing = 'checks: { reputation: { action: refuse } }'
  const first = await startGate(t, `${settings(spamSink.port)}\n${refusing}`)
  const second = await startGate(t, `${settings(sink.port)}\n${refusing}`)
  const waiting = await upToMail(await connectAs(t, second, '198.51.101.9'))
  let since = 0
  for (const host of [1, 2, 3]) {
    const said = await sendMail(await connectAs(t, first, `198.51.101.${host}`), 'Subject: unwanted\r\n\r\ntext\r\n')
    assert.match(said, /^550 5\.7\.1 Spam/)
    since = performance.now()
  }
  await untilJudged(second, 1, since)
  assert.match(
    (await waiting.command('RCPT TO:<user@example.test>', /^550/)).text,
    /^550 5\.7\.1 Service unavailable: too much unwanted mail from here/,
  )
  await waiting.command('QUIT', /^221/)
})

test('a network that is blocked elsewhere is refused in the session of a good client while Redis is slow', async t => {
  const slow = await AilingRedis.start(t)
  const store = `{ kind: redis, url: 'redis://127.0.0.1:${slow.port}', command_wait: 2s }`
  const refusing = 'checks: { reputation: { action: refuse } }'
  const first = await startGate(t, `${settings(spamSink.port, store)}\n${refusing}`)
  const second = await startGate(t, `${settings(sink.port, store)}\n${refusing}`)
  const known = await connectAs(t, second, '198.51.104.9')
  assert.match(await untilRcpt(known), /^250/)
  await known.command('QUIT', /^221/)
  const written = 'sallyport_store_operations_total{operation="remember",result="ok"}'
  await eventually('it is known for good', async () => (await second.metric(written)) > 0)
  const waiting = await upToMail(await connectAs(t, second, '198.51.104.9'))
  await slow.begin('slow', 5_000)
  for (const host of [1, 2, 3])
    await sendMail(await connectAs(t, first, `198.51.104.${host}`), 'Subject: unwanted\r\n\r\ntext\r\n')
  await eventually(
    'it is asked for again',
    async () => (await second.metric('sallyport_sessions_asked_again_total')) >= 1,
  )
  await new Promise(resolve => setTimeout(resolve, 500))
  const words = /^550 5\.7\.1 Service unavailable: too much unwanted mail from here/
  assert.match((await waiting.command('RCPT TO:<user@example.test>', /^550/)).text, words)
  await waiting.command('QUIT', /^221/)
  await slow.end('slow')
})

test('other sessions of the client at the same gate hear of it too, whatever the memory is', async t => {
  for (const store of ['{ kind: memory }', undefined]) {
    const gate = await startGate(t, settings(sink.port, store))
    const waiting = await upToMail(await connectAs(t, gate, '198.51.102.7'))
    await fallsIntoTrap(await connectAs(t, gate, '198.51.102.7'))
    await untilJudged(gate, 1, performance.now())
    await waiting.command('RCPT TO:<user@example.test>', /^450 4\.7\.1 Service unavailable/)
    await waiting.command('QUIT', /^221/)
  }
})

test('a reload that has clients suspect sooner counts for what is a block', async t => {
  const from = (threshold: number) => `checks: { reputation: { action: refuse, threshold: ${threshold} } }`
  const gate = await startGate(t, `${settings(spamSink.port, '{ kind: memory }')}\n${from(50)}`)
  await writeFile(gate.file, gate.settings.replace(from(50), from(5)))
  gate.signal('SIGHUP')
  await gate.waitForLine(({ msg }) => /is in force$/.test(String(msg)))
  const waiting = await upToMail(await connectAs(t, gate, '198.51.105.7'))
  assert.match(
    await sendMail(await connectAs(t, gate, '198.51.105.7'), 'Subject: unwanted\r\n\r\ntext\r\n'),
    /^550 5\.7\.1 Spam/,
  )
  await untilJudged(gate, 1, performance.now())
  await waiting.command('RCPT TO:<user@example.test>', /^550 5\.7\.1 Service unavailable: too much unwanted mail/)
  await waiting.command('QUIT', /^221/)
})

test('a gate whose Redis is gone hears of its own blocks, and works as before', async t => {
  const mortal = await startRedis()
  t.after(() => mortal.stop())
  const store = `{ kind: redis, url: 'redis://127.0.0.1:${mortal.port}', command_wait: 2s }`
  const gate = await startGate(t, settings(sink.port, store))
  await gate.waitForMetric('sallyport_store_up', 1)
  await mortal.stop()
  const waiting = await upToMail(await connectAs(t, gate, '198.51.103.7'))
  await fallsIntoTrap(await connectAs(t, gate, '198.51.103.7'))
  await untilJudged(gate, 1, performance.now())
  await waiting.command('RCPT TO:<user@example.test>', /^450/)
  const again = await connectAs(t, gate, '198.51.103.7')
  assert.match(await untilRcpt(again), /^450/, 'what it has learnt itself it knows')
  for (const client of [waiting, again]) await client.command('QUIT', /^221/)
  const lines = gate.lines().filter(({ msg }) => /Redis/.test(String(msg)))
  assert.equal(lines.length, 1, JSON.stringify(lines))
})
