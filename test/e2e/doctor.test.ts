import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { makeCertificate } from '../support/certificate.ts'
import { assertFinding, diagnose, diagnoseAsUser } from '../support/doctor.ts'
import { startPostfix } from '../support/postfix.ts'
import { startRbldnsd } from '../support/rbldnsd.ts'
import { startSink } from '../support/sink.ts'
import { startTlsSink } from '../support/tls-sink.ts'

const postfix = await startPostfix({ after })
// Under XCLIENT the resolver is looked at too.
const dns = await startRbldnsd({ after }, { 'bl.example.test': ['127.0.0.2'] })
const ask = `dnsbl: { resolvers: ['${dns.server}'] }\n`

const backend = (port: number, identity: string) => `backend: { address: '127.0.0.1:${port}', identity: ${identity} }\n`
const hurried = 'timeouts: { backend_connect: 1s, backend_greeting: 1s, backend_reply: 1s }\n'
const recipient = 'sallyport-doctor@example.com'

for (const [identity, port, proof] of [
  ['proxy_v2', postfix.ports.proxy, /^it relays for 127\.0\.0\.1 and not for 203\.0\.113\.77: it believes the header$/],
  ['proxy_v1', postfix.ports.proxy, /^it relays for 127\.0\.0\.1 and not for 203\.0\.113\.77: it believes the header$/],
  ['xclient', postfix.ports.xclient, /^XCLIENT ADDR=203\.0\.113\.77 was accepted with 220$/],
] as const) {
  test(`Postfix and ${identity}: the stranger is seen and refused, and Postfix's log says the same`, async t => {
    const before = (await postfix.log()).length
    const found = await diagnoseAsUser(t, `${backend(port, identity)}${ask}`)
    assert.deepEqual([found.code, found.troubles], [0, []])
    assertFinding(found.of('identity'), 'ok', proof)
    assertFinding(
      found.of('relay'),
      'ok',
      /^refused for 203\.0\.113\.77: RCPT TO:<\S+> 554 5\.7\.1 .*Relay access denied$/,
    )
    assertFinding(found.of('keywords'), 'ok', /^PIPELINING \(known clients\), SIZE \d+, .*CHUNKING/)
    assertFinding(found.of('QUIT'), 'ok', /^221 2\.0\.0 Bye$/)
    await postfix.waitForLog(/NOQUEUE: reject: RCPT from unknown\[203\.0\.113\.77\]: 554 5\.7\.1 /)
    const log = (await postfix.log()).slice(before)
    assert.doesNotMatch(log, /DATA|lost connection|status=/)
  })
}

test('Postfix and identity none: an open relay, unless the gate refuses before', async t => {
  const trusting = 'i_know_the_backend_sees_the_gate: true'
  const address = `address: '127.0.0.1:${postfix.ports.plain}'`
  const open = await diagnoseAsUser(t, `backend: { ${address}, identity: none, ${trusting} }`)
  assert.deepEqual([open.code, open.troubles], [1, ['warn identity', 'FAIL relay']])
  assertFinding(
    open.of('relay'),
    'FAIL',
    /^OPEN RELAY: it relays for the gate itself: RCPT TO:<\S+> 250 /,
    /recipient_domains/,
  )
  const saved = await diagnose(t, `backend: { ${address}, identity: none }\nrecipient_domains: [example.test]`)
  assert.deepEqual([saved.code, saved.troubles], [0, ['warn identity']])
  assertFinding(saved.of('relay'), 'ok', /; the gate refuses other domains before \(recipient_domains\)$/)
})

for (const identity of ['proxy_v2', 'proxy_v1']) {
  test(`${identity} to a Postfix that does not expect a header`, async t => {
    const found = await diagnose(t, backend(postfix.ports.plain, identity))
    assert.deepEqual([found.code, found.troubles], [1, ['FAIL EHLO']])
    assertFinding(found.of('EHLO'), 'FAIL', /^it answered 50\d /, /^it greets without a header: .*haproxy/)
  })
}

test('no header to a Postfix that waits for one', async t => {
  const found = await diagnose(t, `${backend(postfix.ports.proxy, 'xclient')}${hurried}`)
  assert.equal(found.code, 1)
  assertFinding(
    found.of('greeting'),
    'FAIL',
    /^no answer in 1 s$/,
    /^it greets behind a PROXY header: set identity: proxy_v2$/,
  )
})

test('XCLIENT to a Postfix that does not offer it, or refuses it', async t => {
  const found = await diagnose(t, backend(postfix.ports.plain, 'xclient'))
  assertFinding(found.of('identity'), 'FAIL', /^XCLIENT is not offered to the gate$/, /smtpd_authorized_xclient_hosts/)
  const fault = { kind: 'reply', text: '550 5.7.0 Error: insufficient authorization' } as const
  const sink = await startSink(t, { keywords: ['XCLIENT NAME ADDR'], faults: { xclient: fault } })
  const refused = await diagnose(t, backend(sink.port, 'xclient'))
  assertFinding(refused.of('identity'), 'FAIL', /^XCLIENT ADDR=203\.0\.113\.77: it answered 550 5\.7\.0 /)
  assert.deepEqual([found.code, refused.code], [1, 1])
})

test('a server that greets the client by its address has seen it, or somebody else', async t => {
  const hello = (address: string) => ({ kind: 'reply', text: `250 mail.example.test Hello gate [${address}]` }) as const
  const denial = { kind: 'reply', text: '550 relay not permitted' } as const
  const sink = await startSink(t, { proxy: true, faults: { ehlo: hello('203.0.113.77'), rcpt: denial } })
  const seen = await diagnose(t, backend(sink.port, 'proxy_v2'))
  assert.deepEqual([seen.code, seen.troubles], [0, []])
  assertFinding(seen.of('identity'), 'ok', /^it greets the client that the header names: .*\[203\.0\.113\.77\]$/)
  sink.faults.set('ehlo', hello('127.0.0.1'))
  const unseen = await diagnose(t, backend(sink.port, 'proxy_v2'))
  assertFinding(unseen.of('identity'), 'FAIL', /^as 203\.0\.113\.77 it greets 127\.0\.0\.1: /, /hosts_proxy/)
  assert.equal(unseen.code, 1)
})

test('the keywords that are withheld, and why', async t => {
  const keywords = [
    'XCLIENT NAME ADDR',
    'AUTH PLAIN EXTERNAL',
    'REQUIRETLS',
    'CHUNKING',
    'BURL',
    'DSN',
    'XFORWARD NAME',
  ]
  const sink = await startSink(t, { keywords })
  const some = await diagnose(t, `${backend(sink.port, 'xclient')}${ask}extensions: { withhold: [chunking] }`)
  const reasons = "XCLIENT XFORWARD (the gate's own), CHUNKING (extensions.withhold), BURL (not carried)"
  assert.equal(some.of('keywords').saw, `AUTH PLAIN (under TLS), REQUIRETLS (under TLS), DSN; withheld: ${reasons}`)
  const address = `address: '127.0.0.1:${sink.port}', identity: xclient`
  const never = await diagnose(t, `backend: { ${address}, auth: never }\n${ask}`)
  assert.match(never.of('keywords').saw, /^REQUIRETLS .*AUTH \(backend\.auth\)/)
})

test('a server that treats all alike: its log must tell', async t => {
  const sink = await startSink(t, {
    proxy: true,
    faults: { rcpt: { kind: 'reply', text: '554 5.7.1 Relay access denied' } },
  })
  const found = await diagnose(t, backend(sink.port, 'proxy_v2'))
  assert.deepEqual([found.code, found.troubles], [0, []])
  assertFinding(found.of('identity'), 'ok', /cannot be told from replies$/, /^look for 203\.0\.113\.77 in its log$/)
  const clients = sink.connections.map(({ header }) => header?.source?.address)
  assert.deepEqual(clients, [undefined, '203.0.113.77', '127.0.0.1'])
})

test('an open relay, of which one name alone would not tell; and no message is ever begun', async t => {
  const sink = await startSink(t, { proxy: true, keywords: ['SIZE'] })
  const unknown = {
    kind: 'reply',
    text: `450 4.1.2 <${recipient}>: Recipient address rejected: Domain not found`,
  } as const
  sink.faults.set('rcpt', { ...unknown, times: 1 })
  const found = await diagnose(t, backend(sink.port, 'proxy_v2'))
  assert.deepEqual([found.code, found.troubles], [1, ['FAIL relay']])
  assertFinding(
    found.of('relay'),
    'FAIL',
    /^OPEN RELAY: it relays for 203\.0\.113\.77: RCPT TO:<sallyport-doctor@\[192\.0\.2\.1\]> 250 /,
  )
  const guarded = await diagnose(t, `${backend(sink.port, 'proxy_v2')}recipient_domains: [example.test]`)
  assert.deepEqual([guarded.code, guarded.troubles], [0, ['warn relay']])
  const said = sink.connections.flatMap(({ commands }) => commands.map(line => line.split(' ', 1)[0]))
  assert.deepEqual([...new Set(said)].toSorted(), ['EHLO', 'MAIL', 'QUIT', 'RCPT', 'RSET'])
  assert.deepEqual(sink.messages, [])
})

test('a refusal that is not for relaying proves nothing; --recipient may', async t => {
  const unknown = { kind: 'reply', text: '450 4.1.2 Recipient address rejected: Domain not found' } as const
  const sink = await startSink(t, { proxy: true, faults: { rcpt: unknown } })
  const found = await diagnose(t, backend(sink.port, 'proxy_v2'))
  assert.deepEqual([found.code, found.troubles], [0, ['warn relay']])
  assertFinding(found.of('relay'), 'warn', /450 4\.1\.2/, /--recipient/)
  // Words of the recipient are none of the server's.
  const echo = '550 5.1.2 <somebody@relay.example>: no such domain relay.example'
  sink.faults.set('rcpt', { kind: 'reply', text: echo })
  const named = await diagnoseAsUser(t, backend(sink.port, 'proxy_v2'), '--recipient', 'somebody@relay.example')
  assertFinding(named.of('relay'), 'warn', /550 5\.1\.2/)
  assert.ok(sink.connections.at(-1)?.commands.includes('RCPT TO:<somebody@relay.example>'))
})

test('nobody there, silence, other tongues, a slow one, one that hangs later', async t => {
  const sink = await startSink(t, { keywords: ['SIZE'] })
  const settings = `${backend(sink.port, 'xclient')}${hurried}`
  sink.faults.set('greeting', { kind: 'hang' })
  assertFinding((await diagnose(t, settings)).of('greeting'), 'FAIL', /^no answer in 1 s$/, /is it a mail server/)
  sink.faults.set('greeting', { kind: 'reply', text: '+OK POP3 \x1b[31mready' })
  assertFinding(
    (await diagnose(t, settings)).of('greeting'),
    'FAIL',
    /^it does not speak SMTP: \+OK POP3 \\033\[31mready$/,
    /another program/,
  )
  sink.faults.set('greeting', { kind: 'reply', text: '554 5.3.2 \x1b[31mNo service' })
  assertFinding((await diagnose(t, settings)).of('greeting'), 'FAIL', /^it answered 554 5\.3\.2 \\033\[31mNo service$/)
  sink.faults.set('greeting', { kind: 'delay', ms: 500 })
  const slow = (await diagnose(t, settings)).of('greeting')
  assertFinding(slow, 'ok', /^220 /)
  assert.ok(slow.ms !== null && slow.ms >= 290, `${slow.ms}`)
  sink.faults.set('greeting', undefined)
  sink.faults.set('quit', { kind: 'hang' })
  const lingering = await diagnose(t, settings)
  assertFinding(lingering.of('QUIT'), 'warn', /^no answer in 1 s$/)
  const address = `backend: { address: '127.0.0.1:${sink.port}', identity: none }\nrecipient_domains: [example.test]\n`
  sink.faults.set('rcpt', { kind: 'hang' })
  assertFinding((await diagnose(t, `${address}${hurried}`)).of('relay'), 'FAIL', /^as the gate itself: no answer in /)
  sink.faults.set('quit', { kind: 'rst' })
  await sink.stop()
  const gone = await diagnose(t, settings)
  assert.deepEqual([gone.code, gone.troubles.slice(0, 1)], [1, ['FAIL reachable']])
  assertFinding(gone.of('reachable'), 'FAIL', /^ECONNREFUSED$/, /is it running/)
})

test('a server that takes one connection and no more', async t => {
  const sink = await startSink(t, { proxy: true })
  const full = { kind: 'reply', text: '421 4.7.0 Too many connections' } as const
  void sink
    .waitFor(({ connections }) => connections[0]?.commands.includes('QUIT') === true)
    .then(() => sink.faults.set('greeting', full))
  const stranger = await diagnose(t, backend(sink.port, 'proxy_v2'))
  assertFinding(stranger.of('identity'), 'warn', /^as 203\.0\.113\.77: it answered 421 4\.7\.0 /, /in its log$/)
  assert.equal(stranger.code, 0)
  const other = await startSink(t)
  void other
    .waitFor(({ connections }) => connections[0]?.commands.includes('QUIT') === true)
    .then(() => other.faults.set('greeting', full))
  const address = `address: '127.0.0.1:${other.port}', identity: none`
  const untried = await diagnose(t, `backend: { ${address} }\nrecipient_domains: [a.example]`)
  assertFinding(untried.of('relay'), 'FAIL', /^not tried: it answered 421 4\.7\.0 /)
  assert.equal(untried.code, 1)
})

test('TLS is told of where it is offered, and what is wrong with it', async t => {
  const certificate = await makeCertificate(t, ['mail.example.test'])
  const sink = await startTlsSink(t, { certificate })
  const found = await diagnose(
    t,
    `backend: { address: '127.0.0.1:${sink.port}', identity: none }\nrecipient_domains: [a.example]`,
  )
  const saw =
    /^offered, and not used: TLSv1\.3 TLS_\w+, certificate until \d{4}-\d\d-\d\d, not verified \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/
  assertFinding(found.of('TLS'), 'ok', saw)
  const refusing = await startTlsSink(t, { certificate, answer: '454 4.7.0 TLS not available\r\n' })
  const settings = `backend: { address: '127.0.0.1:${refusing.port}', identity: none }\nrecipient_domains: [a.example]`
  assertFinding((await diagnose(t, settings)).of('TLS'), 'warn', /^offered, and failed: it answered 454 4\.7\.0 /)
})
