import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startGate } from '../support/gate.ts'
import { freePort } from '../support/port.ts'
import { startRbldnsd } from '../support/rbldnsd.ts'
import { startSink } from '../support/sink.ts'
import { believing, connectAs, sendMail, untilRcpt } from './client.ts'

const listed = '192.0.2.7'
const listedIPv6 = '2001:db8:0:7::25'
const listedAndGood = '192.0.2.8'
const listedLightly = '192.0.2.9'
const good = '192.0.2.10'
const stranger = '192.0.2.11'

/** As every list lists it (RFC 5782 5); else the gate does not ask it. */
const point = '127.0.0.2 :127.0.0.2:Test'

const dns = await startRbldnsd(
  { after },
  {
    'key0123456789.bl.example.test': [
      point,
      `${listed} :127.0.0.2:Listed`,
      `${listedIPv6} :127.0.0.2:Listed`,
      `${listedAndGood} :127.0.0.2:Listed`,
    ],
    'light.example.test': [point, `${listedLightly} :127.0.0.3:Listed`, `${stranger} :127.0.0.10:Listed otherwise`],
    'good.example.test': [point, `${listedAndGood} :127.0.0.2:Good`, `${good} :127.0.0.2:Good`],
    'overused.example.test': [point, '192.0.2.0/24 :127.255.255.254:Query limit exceeded'],
    'parked.example.test': [point, '192.0.2.0/24 :127.0.0.1:Parked'],
    'all.example.test': ['127.0.0.0/8 :127.0.0.2:Everybody', '192.0.2.0/24 :127.0.0.2:Everybody'],
  },
)
const sink = await startSink({ after }, { proxy: true })

/** Addresses of the clients that the server behind has seen. */
const reached = () => sink.connections.flatMap(({ header }) => header?.source?.address ?? [])

const base = `backend: 127.0.0.1:${sink.port}\n${believing}\n`
const lists = `dnsbl:
  resolvers: ['${dns.server}']
  wait: 2s
  zones:
    - { zone: key0123456789.bl.example.test, name: bl.example.test, weight: 3 }
    - light.example.test=127.0.0.[2..4]*1
    - good.example.test*-3
`

test('a client that is listed hears by which list, under its public name, and a reference; nobody else is hurt', async t => {
  const gate = await startGate(
    t,
    `${base}${lists}greet: { wait: 2s }\nchecks: { dnsbl: { action: refuse, threshold: 3, allow: -3 } }`,
  )
  for (const address of [listed, listedIPv6]) {
    const client = await connectAs(t, gate, address)
    const reply = await untilRcpt(client)
    const words = `550 5.7.1 Service unavailable; client [${address}] blocked using bl.example.test; ref=`
    assert.ok(reply.startsWith(words), reply)
    await client.command('QUIT', /^221/)
    const line = await gate.waitForSession(({ id }) => id === reply.slice(words.length))
    assert.deepEqual([line.verdict, line.check, line.why], ['refused', 'dnsbl', 'rank 3 using bl.example.test'])
    assert.equal(line.client, address)
    assert.equal(line.reply, reply)
    assert.ok((line.ms.greeted ?? 2_000) < 1_500, 'it holds its place no longer than the lists take')
  }
  const unhurt = [
    [listedAndGood, 'a list of good clients outweighs'],
    [listedLightly, 'the weight of one list is not enough'],
    [stranger, 'the answer is not one of those that count'],
  ] as const
  await Promise.all(
    unhurt.map(async ([address, why]) => assert.match(await untilRcpt(await connectAs(t, gate, address)), /^250/, why)),
  )
  const friend = await connectAs(t, gate, good)
  await friend.expect(/^220.* ESMTP$/m)
  await friend.command('EHLO client.example.net', /^250/)
  await friend.command('QUIT', /^221/)
  const line = await gate.waitForSession(({ client }) => client === good)
  assert.equal(line.vouched, 'dnsbl: rank -3')
  assert.ok((line.ms.greeted ?? 2_000) < 1_500, 'whom a list of good clients names does not wait')
  assert.deepEqual(reached().toSorted(), [listedAndGood, listedLightly, stranger].toSorted())
  assert.doesNotMatch(
    gate.output() + (await gate.metrics()),
    /key0123456789/,
    'the key in the domain is nowhere to be read',
  )
  assert.equal(await gate.metric('sallyport_dnsbl_lookups_total{zone="bl.example.test",result="listed"}'), 3)
})

test('by default a listing is only observed: the mail flows, and the log says what would have been', async t => {
  const gate = await startGate(t, `${base}${lists}`)
  const client = await connectAs(t, gate, listed)
  assert.match(await sendMail(client, 'Subject: observed\r\n\r\ntext\r\n'), /^250 /)
  const line = await gate.waitForSession(({ client }) => client === listed)
  assert.deepEqual([line.verdict, line.check], ['passed', undefined])
  assert.equal(line.checks['dnsbl'], 'fail: rank 3 using bl.example.test')
  const sample = 'sallyport_checks_total{check="dnsbl",outcome="fail",action="observe"}'
  assert.equal(await gate.metric(sample), 1)
})

test('lists that are overused, parked, unknown or dead refuse nobody, and are counted as errors', async t => {
  const gate = await startGate(
    t,
    `${base}
dnsbl:
  resolvers: ['${dns.server}']
  wait: 1s
  zones: [overused.example.test*9, parked.example.test*9, unserved.example.test*9]
checks: { dnsbl: { action: drop } }`,
  )
  assert.match(await sendMail(await connectAs(t, gate, listed), 'Subject: x\r\n\r\n'), /^250 /)
  const line = await gate.waitForSession(({ client }) => client === listed)
  assert.deepEqual([line.verdict, line.checks['dnsbl']], ['passed', 'unknown: 3 of 3 lists did not answer'])
  const results = {
    'overused.example.test': 'error',
    'parked.example.test': 'error',
    'unserved.example.test': 'failed',
  }
  for (const [zone, result] of Object.entries(results)) {
    assert.equal(await gate.metric(`sallyport_dnsbl_lookups_total{zone="${zone}",result="${result}"}`), 1)
  }

  const dead = `['127.0.0.1:${await freePort('udp')}']`
  const silent = await startGate(
    t,
    `${base}dnsbl: { resolvers: ${dead}, wait: 500ms, zones: [a.example.test, b.example.test*9] }
checks: { dnsbl: { action: drop } }`,
  )
  assert.match(await sendMail(await connectAs(t, silent, listed), 'Subject: x\r\n\r\n'), /^250 /)
  const told = await silent.waitForSession(({ client }) => client === listed)
  assert.deepEqual([told.verdict, told.checks['dnsbl']], ['passed', 'unknown: 2 of 2 lists did not answer'])
  assert.ok((told.ms.greeted ?? 9_999) < 2_000, 'nor does anybody wait long for them')
})

test('a list that lists everybody is found out at the start, told of once, and believed no more', async t => {
  const gate = await startGate(
    t,
    `${base}
dnsbl: { resolvers: ['${dns.server}'], wait: 1s, zones: [all.example.test*9, light.example.test] }
checks: { dnsbl: { action: drop } }`,
  )
  const told = await gate.waitForLine(({ event }) => event === 'dnsbl')
  assert.equal(told['list'], 'all.example.test')
  assert.equal(told['fault'], '127.0.0.1 is listed, as it must not be')
  assert.match(await sendMail(await connectAs(t, gate, good), 'Subject: x\r\n\r\n'), /^250 /)
  const line = await gate.waitForSession(({ client }) => client === good)
  assert.equal(line.checks['dnsbl'], 'unknown: 1 of 2 lists did not answer')
  assert.equal(await gate.metric('sallyport_dnsbl_list_healthy{zone="all.example.test"}'), 0)
  assert.equal(await gate.metric('sallyport_dnsbl_list_healthy{zone="light.example.test"}'), 1)
})
