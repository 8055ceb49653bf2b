import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { connect, type Dialogue } from './dialogue.ts'
import { type Sink, type SinkOptions, startSink } from './sink.ts'
import { swaks } from './swaks.ts'

const message = 'Subject: x\r\n\r\nbody\r\n'

async function greeted(t: TestContext, options: SinkOptions = {}): Promise<{ sink: Sink; client: Dialogue }> {
  const sink = await startSink(t, options)
  const client = await connect(t, { port: sink.port })
  await client.expect(/^220 sink\.example\.test ESMTP/)
  await client.command('EHLO client.example.net', /^250/)
  return { sink, client }
}

async function envelope(client: Dialogue): Promise<void> {
  await client.command('MAIL FROM:<a@example.net>', /^250/)
  await client.command('RCPT TO:<user@example.test>', /^250/)
}

test('it receives what swaks sends', async t => {
  const sink = await startSink(t)
  const { code, transcript } = await swaks([
    ...['--server', '127.0.0.1', '--port', `${sink.port}`, '--from', 'a@example.net', '--to', 'user@example.test'],
    ...['--header', 'Subject: swaks', '--pipeline'],
  ])
  assert.equal(code, 0, transcript)
  assert.match(transcript, /250 2\.0\.0 Ok: queued as S1/)
  assert.match(sink.messages[0]?.toString('latin1') ?? '', /^Subject: swaks\r$/m)
  assert.deepEqual(sink.connections[0]?.commands.at(-1), 'QUIT')
})

test('a message ends at CR LF . CR LF and nowhere else, however it is cut', async t => {
  for (const cut of [1, 3, 1_000]) {
    const { sink, client } = await greeted(t)
    await envelope(client)
    await client.command('DATA', /^354/)
    const octets = '..stuffed\r\na\n.\nb\r\n.\nc\n.\r\nd\r.\r\r\n...\r\n.\r\n'
    for (let at = 0; at < octets.length; at += cut) {
      client.sendRaw(octets.slice(at, at + cut))
      // Without a pause the system would join what was cut.
      if (at + cut < octets.length) await client.silence(2)
    }
    await client.expect(/^250 2\.0\.0 Ok: queued as S1$/)
    assert.equal(sink.messages[0]?.toString('latin1'), '.stuffed\r\na\n.\nb\r\n\nc\n.\r\nd\r.\r\r\n..\r\n')
    assert.ok(sink.connections[0]?.received.includes(octets))
  }
})

test('an empty message, and commands behind the end in the same packet', async t => {
  const { sink, client } = await greeted(t)
  await envelope(client)
  await client.command('DATA', /^354/)
  client.sendRaw('.\r\nNOOP\r\nQUIT\r\n')
  await client.expect(/queued as S1/)
  await client.expect(/^250/)
  await client.expect(/^221/)
  assert.equal(await client.closed, 'fin')
  assert.equal(sink.messages[0]?.length, 0)
})

test('BDAT chunks are counted', async t => {
  const { sink, client } = await greeted(t)
  await envelope(client)
  client.sendRaw('BDAT 5\r\n.\r\n.\rBDAT 3 LAST\r\n\nQ\n')
  await client.expect(/^250 2\.0\.0 Ok: 5 octets/)
  await client.expect(/queued as S1/)
  assert.equal(sink.messages[0]?.toString('latin1'), '.\r\n.\r\nQ\n')
})

test('commands out of order are refused', async t => {
  const { client } = await greeted(t)
  await client.command('RCPT TO:<a@b>', /^503/)
  await client.command('DATA', /^554/)
  await client.command('BDAT x', /^501/)
  await client.command('MAIL FROM:<>', /^250/)
  await client.command('MAIL FROM:<>', /^503/)
  await client.command('RSET', /^250/)
  await client.command('MAIL FROM:<>', /^250/)
  await client.command('WHAT', /^500/)
})

test('a demanded PROXY header is read, whole or in parts', async t => {
  const sink = await startSink(t, { proxy: true })
  const v1 = await connect(t, { port: sink.port })
  v1.sendRaw('PROXY TCP4 192.0.2.1 192.0.2.25 40001 25\r\n')
  await v1.expect(/^220/)
  assert.deepEqual(sink.connections[0]?.header?.source, { address: '192.0.2.1', port: 40_001 })
  assert.deepEqual(sink.connections[0]?.header?.destination, { address: '192.0.2.25', port: 25 })

  const v2 = await connect(t, { port: sink.port })
  const addresses = '20010db8000000000000000000000001 20010db8000000000000000000000019 9c41 0019'.replaceAll(' ', '')
  const header = Buffer.from(`0d0a0d0a000d0a515549540a 21 21 0028 ${addresses} 040000 00`.replaceAll(' ', ''), 'hex')
  for (const octet of header) {
    await v2.silence(2)
    v2.sendRaw(Uint8Array.of(octet))
  }
  await v2.expect(/^220/)
  assert.deepEqual(sink.connections[1]?.header?.source, { address: '2001:db8:0:0:0:0:0:1', port: 40_001 })
  assert.deepEqual(sink.connections[1]?.header?.rest, Buffer.from('04000000', 'hex'))

  const none = await connect(t, { port: sink.port })
  none.send(`EHLO ${'x'.repeat(200)}`)
  await none.expect(/^421/)
  assert.match(sink.connections[2]?.complaint ?? '', /no PROXY header/)
})

test('faults strike where they are set, as often as they say', async t => {
  const { sink, client } = await greeted(t, { faults: { mail: { kind: 'reply', text: '451 4.3.0 later', times: 1 } } })
  await client.command('MAIL FROM:<a@example.net>', /^451 4\.3\.0 later$/)
  await client.command('MAIL FROM:<a@example.net>', /^250/)
  sink.faults.set('rcpt', { kind: 'extra', text: '421 4.3.2 going down' })
  await client.command('RCPT TO:<user@example.test>', /^250/)
  await client.expect(/^421 4\.3\.2 going down$/)
  sink.faults.set('data', { kind: 'delay', ms: 60 })
  client.send('DATA')
  await client.silence(30)
  await client.expect(/^354/)
  sink.faults.set('message', { kind: 'hang' })
  client.sendRaw(`${message}.\r\n`)
  await client.silence(30)
  assert.equal(sink.messages.length, 1)
})

for (const kind of ['fin', 'rst'] as const) {
  test(`it closes by ${kind} at a stage`, async t => {
    const { client } = await greeted(t, { faults: { rcpt: { kind } } })
    await client.command('MAIL FROM:<a@example.net>', /^250/)
    client.send('RCPT TO:<user@example.test>')
    assert.equal(await client.closed, kind)
  })

  test(`it closes by ${kind} in the middle of a message`, async t => {
    const { sink, client } = await greeted(t, { faults: { body: { kind, octets: 8 } } })
    await envelope(client)
    await client.command('DATA', /^354/)
    client.sendRaw('1234567')
    await client.silence(20)
    client.sendRaw('8')
    assert.equal(await client.closed, kind)
    assert.equal(sink.messages.length, 0)
  })
}

test('it stops reading in the middle of a message, and reads on when told', async t => {
  const { sink, client } = await greeted(t, { faults: { body: { kind: 'hang' } } })
  await envelope(client)
  await client.command('DATA', /^354/)
  client.sendRaw(`${message}.\r\n`)
  await client.silence(30)
  assert.equal(sink.messages.length, 0)
  sink.connections[0]?.resume()
  await client.expect(/queued as S1/)
  assert.equal(sink.messages[0]?.toString('latin1'), message)
})

test('it speaks up in the middle of a message', async t => {
  const { client } = await greeted(t, {
    faults: { body: { kind: 'reply', text: '421 4.3.2 going down', close: 'fin' } },
  })
  await envelope(client)
  await client.command('DATA', /^354/)
  client.sendRaw('x')
  await client.expect(/^421/)
  assert.equal(await client.closed, 'fin')
})

test('replies are split into octets and are the same', async t => {
  const { client } = await greeted(t, { split: true, keywords: ['SIZE 1', 'X'] })
  const { lines } = await client.command('EHLO again', /^250/)
  assert.deepEqual(lines, ['250-sink.example.test', '250-SIZE 1', '250 X'])
})

test('stopped, it refuses; started again, it accepts on the same port', async t => {
  const { sink, client } = await greeted(t)
  await sink.stop()
  assert.equal(await client.closed, 'rst')
  await assert.rejects(connect(t, { port: sink.port }), /ECONNREFUSED/)
  await sink.start()
  await (await connect(t, { port: sink.port })).expect(/^220/)
})

test('how a client went away is known, and waiting for what does not come shows the sessions', async t => {
  const { sink, client } = await greeted(t)
  client.reset()
  await sink.waitFor(({ connections }) => connections[0]?.ended === 'rst')
  await assert.rejects(
    sink.waitFor(({ messages }) => messages.length > 0, 20),
    /not so within 20 ms: .*messages\.length > 0\n0 messages\nconnection 0 \(rst\): \["EHLO client\.example\.net"\]/s,
  )
})
