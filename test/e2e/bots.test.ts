import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { connect, type Dialogue } from '../support/dialogue.ts'
import { type RunningGate, type SessionLine, startGate } from '../support/gate.ts'
import { startPostfix } from '../support/postfix.ts'
import { believing, connectAs, sendMail } from './client.ts'

const postfix = await startPostfix({ after })
const gate = await startGate(
  { after },
  `backend: 127.0.0.1:${postfix.ports.proxy}\n${believing}\naccess: { deny: [192.0.2.66] }`,
)

const envelope = 'EHLO bot.example.net\r\nMAIL FROM:<bot@example.net>\r\nRCPT TO:<user@example.test>\r\n'

/** The session line of the only client with this address, or of the one after `earlier`. */
async function lineOf(gate: RunningGate, address: string, earlier = 0): Promise<SessionLine> {
  await gate.waitForSession(() => gate.log().filter(({ client }) => client === address).length > earlier)
  return gate.log().filter(({ client }) => client === address)[earlier] as SessionLine
}

async function refused(client: Dialogue, code: 450 | 550): Promise<string> {
  await client.expect(/^250-/)
  await client.expect(/^250 2\.1\.0/)
  const { text } = await client.expect(/^[45]50 /)
  const words = code === 450 ? '450 4.5.1 Protocol error, try again later; ref=' : '550 5.5.1 Protocol error; ref='
  assert.ok(text.startsWith(words), text)
  await client.command('QUIT', /^221/)
  return text.slice(words.length)
}

test('who talks before the greeting hears 450, the second time 550, and the log says what was said', async t => {
  for (const [round, code] of ([450, 550, 550] as const).entries()) {
    const client = await connectAs(t, gate, '192.0.2.20', { early: envelope })
    await client.expect(/^220 /m)
    const id = await refused(client, code)
    const line = await lineOf(gate, '192.0.2.20', round)
    assert.equal(line.id, id)
    assert.equal(line.verdict, code === 450 ? 'deferred' : 'refused')
    assert.equal(line.check, 'pregreet')
    assert.match(line.why ?? '', new RegExp(`^${envelope.length} octets after \\d+ ms$`))
    assert.equal(line.early, envelope.slice(0, 100).replaceAll('\r\n', '\\r\\n'))
    assert.match(line.checks['pregreet'] ?? '', /^fail: /)
    assert.equal(line.msg, `${line.verdict}: pregreet, ${line.why}`)
  }
})

test('who does not wait for replies hears 450, the second time 550, and the log says where', async t => {
  for (const [round, code] of ([450, 550] as const).entries()) {
    const client = await connectAs(t, gate, '192.0.2.21')
    await client.expect(/^220-.*\n220 /)
    client.sendRaw(envelope)
    const id = await refused(client, code)
    const line = await lineOf(gate, '192.0.2.21', round)
    assert.deepEqual([line.id, line.check, line.why], [id, 'pipelining', 'did not wait after EHLO'])
    assert.match(line.ahead ?? '', /^MAIL FROM:<bot@example\.net>\\r\\nRCPT/)
  }
})

const junk = [
  ['an HTTP request', 'GET / HTTP/1.1\r\nHost: mail\r\n\r\n', 'GET / HTTP/1.1'],
  ['a request to a proxy', 'CONNECT mail.example.test:25 HTTP/1.0\r\n\r\n', 'CONNECT mail.example.test:25 HTTP/1.0'],
  ['a header line', 'Subject: cheap pills\r\n', 'Subject: cheap pills'],
  [
    'binary',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n',
    '\\026\\003\\001\\002\\000\\001\\000\\001\\374\\003\\003',
  ],
] as const

for (const [index, [what, text, why]] of junk.entries()) {
  for (const early of [false, true]) {
    test(`${what}${early ? ', before the greeting,' : ''} is answered 521, which arrives though more was sent`, async t => {
      const address = `192.0.2.${30 + 2 * index + Number(early)}`
      // More than the gate will ever read as commands: closed with this unread, the client would get a reset and no reply.
      const octets = text + 'x'.repeat(150_000)
      const client = await connectAs(t, gate, address, early ? { early: octets } : {})
      await client.expect(/^220 /m)
      if (!early) client.sendRaw(octets)
      const id = /^521 5\.7\.0 This is a mail server; ref=(\w+)$/.exec((await client.reply()).text)?.[1]
      assert.equal(await client.closed, 'fin')
      const line = await lineOf(gate, address)
      assert.deepEqual([line.id, line.verdict, line.check, line.ending], [id, 'dropped', 'non-smtp-command', 'verdict'])
      assert.equal(line.why, why)
      assert.equal(line.early === undefined, !early)
    })
  }
}

test('who is on the deny list hears 521 at once', async t => {
  const client = await connectAs(t, gate, '192.0.2.66', { early: envelope })
  const id = /^521 5\.7\.1 Access denied; ref=(\w+)$/.exec((await client.reply()).text)?.[1]
  assert.equal(await client.closed, 'fin')
  const line = await lineOf(gate, '192.0.2.66')
  assert.deepEqual([line.id, line.verdict, line.check, line.why], [id, 'dropped', 'access', 'on the deny list'])
})

test('who sends junk commands hears 421 after 20 of them', async t => {
  const client = await connectAs(t, gate, '192.0.2.22')
  await client.expect(/^220-.*\n220 /)
  for (let count = 1; count < 20; count++) await client.command('WHAT', /^500 /)
  const { text } = await client.command('WHAT', /^421 4\.7\.0 Too many errors; ref=/)
  assert.equal(await client.closed, 'fin')
  const line = await lineOf(gate, '192.0.2.22')
  assert.ok(text.endsWith(`ref=${line.id}`))
  assert.deepEqual([line.verdict, line.check, line.why], ['dropped', 'commands', '20 junk commands of 20'])
})

test('a private address gains no bad name: what it did once is not held against it', async t => {
  for (const round of [0, 1]) {
    const client = await connect(t, { port: gate.port, localAddress: '127.0.0.77' })
    client.sendRaw(envelope)
    await client.expect(/^220-.*\n220 /)
    const id = await refused(client, 450)
    assert.equal((await lineOf(gate, '127.0.0.77', round)).id, id)
  }
})

test('none of them has cost the server behind a connection', async t => {
  // Postfix logs in order: with the last one's line, those of all before it are there.
  await sendMail(await connectAs(t, gate, '198.51.100.99'), 'Subject: honest\r\n\r\ntext\r\n')
  await postfix.waitForLog(/disconnect from unknown\[198\.51\.100\.99\]/)
  const seen = [...(await postfix.log()).matchAll(/ connect from \S*\[([^\]]+)\]/g)].map(match => match[1])
  // The first is the gate's own question for what Postfix offers.
  assert.deepEqual(new Set(seen), new Set(['127.0.0.1', '198.51.100.99']))
  assert.equal(seen.length, 2)
  const stopped = gate.log().filter(({ verdict }) => ['deferred', 'refused', 'dropped'].includes(verdict)).length
  assert.equal(await gate.metric('sallyport_backend_connections_total{result="ok"}'), 1)
  assert.equal(await gate.metric('sallyport_connections_total'), stopped + 1)
})
