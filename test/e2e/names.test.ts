import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type DnsReply, DnsServer } from '../support/dns.ts'
import { startGate } from '../support/gate.ts'
import { startSink } from '../support/sink.ts'
import { believing, connectAs, type Envelope, sendMail, untilRcpt } from './client.ts'

const records = (...data: string[]): DnsReply => ({ kind: 'records', ttl: 60, data })

const world: Readonly<Record<string, DnsReply>> = {
  'PTR 7.2.0.192.in-addr.arpa': records('mail.example.net'),
  'A mail.example.net': records('192.0.2.7'),
  'PTR 8.2.0.192.in-addr.arpa': records('c-192-0-2-8.example.com'),
  'A c-192-0-2-8.example.com': records('192.0.2.8'),
  'MX example.org': records('10 mx.example.org'),
  'A mx.example.org': records('203.0.113.1'),
  'TXT example.org': records('v=spf1 include:spf.example.org -all'),
  'TXT spf.example.org': records('v=spf1 a:mail.example.net ip4:192.0.2.8/31 ?all'),
  'A strict.example': records('203.0.113.2'),
  'TXT strict.example': records('v=spf1 -all'),
  'MX quiet.example': records('0 '),
  'PTR 10.2.0.192.in-addr.arpa': { kind: 'servfail' },
}

const dns = await DnsServer.start(({ name, type }) => world[`${type} ${name}`] ?? { kind: 'nxdomain' })
after(() => dns.stop())
const sink = await startSink({ after }, { proxy: true })

const gateOf = (t: Parameters<typeof startGate>[0], checks: string) =>
  startGate(
    t,
    `backend: 127.0.0.1:${sink.port}
${believing}
greet: { wait: 0s }
dnsbl: { resolvers: ['${dns.address}'], wait: 1s }
checks: { ${checks} }`,
  )

test('names, HELO and senders as the DNS has them: who is refused, and in which words; nobody else is', async t => {
  const gate = await gateOf(
    t,
    `no-reverse-name: { action: defer }, generic-name: { action: refuse }, helo-own: { action: refuse },
  helo-unresolvable: { action: refuse }, sender-domain: { action: refuse }, spf: { action: refuse }`,
  )
  const honest = { helo: 'mail.example.net', from: 'user@example.org' }
  const rows: readonly (readonly [address: string, envelope: Envelope, reply: RegExp, check: string | undefined])[] = [
    ['192.0.2.7', honest, /^250/, undefined],
    [
      '192.0.2.9',
      honest,
      /^450 4\.7\.25 Your address has no name in the DNS, try again later; ref=/,
      'no-reverse-name',
    ],
    ['192.0.2.8', honest, /^550 5\.7\.25 Your address has the name of a customer line; ref=/, 'generic-name'],
    ['192.0.2.7', { ...honest, helo: 'nowhere.example.net' }, /^550 5\.5\.2 The name in HELO/, 'helo-unresolvable'],
    ['192.0.2.7', { ...honest, from: 'user@nowhere.example' }, /^550 5\.1\.8 The sender's domain/, 'sender-domain'],
    ['192.0.2.7', { ...honest, from: 'user@quiet.example' }, /^550 5\.7\.27 The sender's domain/, 'sender-domain'],
    // The DNS has failed for its name, so that only SPF speaks.
    ['192.0.2.10', honest, /^550 5\.7\.23 The domain of the sender/, 'spf'],
  ]
  for (const [address, envelope, reply, check] of rows) {
    const client = await connectAs(t, gate, address)
    assert.match(await untilRcpt(client, envelope), reply)
    await client.command('QUIT', /^221/)
    const line = await gate.waitForSession(found => found.client === address && found.check === check)
    if (check === 'spf') assert.equal(line.checks['spf'], 'fail: fail of example.org by -all')
  }
  const reached = sink.connections.flatMap(({ header }) => header?.source?.address ?? [])
  assert.deepEqual(reached, ['192.0.2.7'])
})

test('by default a wrong name, or a sender that is not its own, makes a client come again once; all else is observed, and the log has it', async t => {
  const gate = await gateOf(t, 'greylist: { delay: 1 }')
  const forger = { helo: '192.0.2.1', from: 'user@strict.example' }
  const client = await connectAs(t, gate, '192.0.2.8')
  assert.match(await untilRcpt(client, forger), /^450 4\.7\.1 Greylisted, try again later; ref=/)
  await client.command('QUIT', /^221/)
  const { checks, ...line } = await gate.waitForSession(found => found.client === '192.0.2.8')
  assert.deepEqual(
    [line.verdict, line.check, line.why],
    ['deferred', 'greylist', '1 s to wait; suspect: helo-address, spf'],
  )
  assert.equal(checks['generic-name'], 'fail: 192-0-2 in c-192-0-2-8.example.com')
  assert.equal(checks['helo-address'], 'fail: HELO 192.0.2.1')
  assert.equal(checks['spf'], 'fail: fail of strict.example by -all')
  await sleep(2_000)
  assert.match(await sendMail(await connectAs(t, gate, '192.0.2.8'), 'Subject: x\r\n\r\n', forger), /^250 /)
  const other = { ...forger, from: 'other@strict.example', to: 'other@example.test' }
  assert.match(await sendMail(await connectAs(t, gate, '192.0.2.8'), 'Subject: x\r\n\r\n', other), /^250 /)
})
