// What the backend says of a client's mail at one gate is what the client hears at another.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fieldOf } from '@sallyport/proxy/store/redis/client-record.js'
import { type RunningGate, startGate } from '../support/gate.ts'
import { startPostfix } from '../support/postfix.ts'
import { startRedis } from '../support/redis.ts'
import { timeTravel } from '../support/time-travel.ts'
import { believing, connectAs, sendMail, untilRcpt } from './client.ts'
import { sharing } from './shared-store.ts'

const redis = await startRedis()
after(() => redis.stop())
const postfix = await startPostfix({ after }, { main: { header_checks: 'regexp:{ { /^Subject: unwanted/ REJECT } }' } })

const settings = (action: string) => `backend: 127.0.0.1:${postfix.ports.proxy}
${believing}
checks: { reputation: { action: ${action} } }
${sharing(redis.port)}`

const wanted = 'Subject: wanted\r\n\r\ntext\r\n'
const unwanted = 'Subject: unwanted\r\n\r\ntext\r\n'

test('a message refused by Postfix for its content makes the client refused at another gate within a second', async t => {
  const [first, second] = [await startGate(t, settings('refuse')), await startGate(t, settings('refuse'))]
  const said = await sendMail(await connectAs(t, first, '198.51.100.7'), unwanted)
  assert.equal(said, '550 5.7.1 message content rejected')
  const heard = performance.now()
  // What is learnt is written without anybody waiting for it.
  for (let rcpt = ''; !rcpt.startsWith('550'); ) {
    const begun = performance.now() - heard
    assert.ok(begun < 1000, `${rcpt} still, and now it has been ${begun} ms`)
    const again = await connectAs(t, second, '198.51.100.7')
    rcpt = await untilRcpt(again)
    await again.command('QUIT', /^221/)
    if (rcpt.startsWith('550'))
      assert.match(rcpt, /^550 5\.7\.1 Service unavailable: too much unwanted mail from here; ref=/)
  }
  const line = await second.waitForSession(({ check }) => check === 'reputation')
  assert.match(line.why ?? '', /^[78]\.\d points$/)

  const neighbour = await connectAs(t, second, '198.51.100.8')
  assert.match(await untilRcpt(neighbour), /^250/, 'a quarter of it is not enough against a neighbour')
})

test('by default such a client is asked once to come again, and never refused', async t => {
  const gate = await startGate(t, settings('observe'))
  await sendMail(await connectAs(t, gate, '198.51.102.7'), unwanted)
  await gate.waitForSession(() => gate.log().length === 1)
  const suspect = await connectAs(t, gate, '198.51.102.7')
  assert.match(await untilRcpt(suspect), /^450 4\.7\.1 Greylisted, try again later; ref=/)
  await suspect.command('QUIT', /^221/)
  const line = await gate.waitForSession(({ verdict }) => verdict === 'deferred')
  assert.match(`${line.check}: ${line.why}`, /^greylist: 300 s to wait; suspect: known for [78]\.\d points$/)
  await redis.command('EVAL', timeTravel, 0, 301)
  for (const from of ['sender@example.net', 'other@example.net', 'third@example.net']) {
    assert.match(await sendMail(await connectAs(t, gate, '198.51.102.7'), unwanted, { from }), /^550 5\.7\.1 message/)
  }
  await gate.waitForSession(() => gate.log().length === 5)
  const last = await gate.waitForSession(({ checks }) => /^fail: 2\d\.\d points$/.test(checks['reputation'] ?? ''))
  assert.equal(last.verdict, 'passed')
})

test('mail that was taken on three days earns trust at every gate: no pause, and no check; two unwanted messages end it', async t => {
  const [first, second] = [await startGate(t, settings('refuse')), await startGate(t, settings('refuse'))]
  const sends = async (gate: RunningGate, count: number) => {
    const before = gate.log().length
    for (let i = 0; i < count; i++) {
      assert.match(await sendMail(await connectAs(t, gate, '198.51.101.7'), wanted), /^250/)
    }
    await gate.waitForSession(() => gate.log().length === before + count)
  }
  // Ten messages an hour are no better than one, at whichever gate.
  for (let i = 0; i < 10; i++) await sends(i % 2 === 0 ? first : second, 1)
  assert.equal(second.log().at(-1)?.vouched, undefined)
  for (let i = 0; i < 2; i++) {
    await redis.command('EVAL', timeTravel, 0, 20 * 3600)
    await sends(first, 1)
  }
  const trusted = await connectAs(t, second, '198.51.101.7')
  assert.match(await sendMail(trusted, unwanted), /^550/)
  const line = await second.waitForSession(({ vouched }) => vouched !== undefined)
  assert.match(line.vouched ?? '', /^trusted: 1\d\.\d points of trust$/)
  assert.ok((line.ms.greeted ?? 999) < 200, `greeted after ${line.ms.greeted} ms`)

  const less = await connectAs(t, first, '198.51.101.7')
  assert.match(await sendMail(less, unwanted), /^550/)
  const told = await first.waitForSession(() => first.log().length === 8)
  assert.equal(told.vouched, undefined)
  assert.equal(told.checks['reputation'], 'pass', 'and is not yet suspect')
})

test('private and loopback addresses gain no name, unless the operator says so', async t => {
  const gate = await startGate(t, settings('refuse'))
  await sendMail(await connectAs(t, gate, '10.1.2.3'), unwanted)
  assert.match(await untilRcpt(await connectAs(t, gate, '10.1.2.3')), /^250/)
  const testing = await startGate(t, `${settings('refuse')}\nreputation: { learn_private: true }`)
  await sendMail(await connectAs(t, testing, '10.1.2.4'), unwanted)
  await testing.waitForSession(() => true)
  assert.match(await untilRcpt(await connectAs(t, testing, '10.1.2.4')), /^550/)
})

test('who asks for a trap at one gate is deferred at every other, until a day is over', async t => {
  const traps = `${settings('observe')}\ntrap_recipients: ['*@traps.example.test']`
  const [first, second] = [await startGate(t, traps), await startGate(t, settings('observe'))]
  const bot = await connectAs(t, first, '198.51.103.7')
  assert.match(await untilRcpt(bot, { to: 'anybody@traps.example.test' }), /^450 4\.7\.1 Service unavailable/)
  await bot.command('QUIT', /^221/)
  await first.waitForSession(({ check }) => check === 'trap-recipient')
  const again = await connectAs(t, second, '198.51.103.7')
  assert.match(await untilRcpt(again), /^450 4\.7\.1 Service unavailable/)
  const left = Number(await redis.command('TTL', `sallyport:${fieldOf('198.51.103.7').key}`))
  assert.ok(left > 86_000, `${left} s`)
})

test('a suspect is greylisted, and comes again from another address of its network at another gate', async t => {
  const grey = `${settings('observe').replace('checks: {', 'checks: { greylist: { action: defer, delay: 1 },')}`
  const [first, second] = [await startGate(t, grey), await startGate(t, grey)]
  await sendMail(await connectAs(t, first, '198.51.104.7'), unwanted)
  await first.waitForSession(() => first.log().length === 1)
  const early = await connectAs(t, first, '198.51.104.7')
  assert.match(await untilRcpt(early), /^450 4\.7\.1 Greylisted, try again later; ref=/)
  await early.command('QUIT', /^221/)
  await redis.command('EVAL', timeTravel, 0, 2)
  assert.match(await untilRcpt(await connectAs(t, second, '198.51.104.8')), /^250/)
})

test('connections are counted at all gates together', async t => {
  const rated = `${settings('observe').replace('checks: {', 'checks: { rate: { action: drop, address: 3, period: 3600 },')}`
  const gates = [await startGate(t, rated), await startGate(t, rated)]
  for (const i of [0, 1, 0]) await (await connectAs(t, gates[i] as RunningGate, '198.51.105.7')).expect(/^220 /m)
  await (await connectAs(t, gates[1] as RunningGate, '198.51.105.7')).expect(/^421 4\.7\.0 Too many connections; ref=/m)
})
