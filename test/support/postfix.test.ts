import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, test } from 'node:test'
import { connect } from './dialogue.ts'
import { startPostfix } from './postfix.ts'
import { smtpSource, swaks } from './swaks.ts'

const postfix = await startPostfix({ after })

test('no connection is logged that no test made', async () => {
  assert.doesNotMatch(await postfix.log(), /connect from/)
})

test('mail from swaks is delivered', async () => {
  const { code, transcript } = await swaks([
    ...['--server', '127.0.0.1', '--port', `${postfix.ports.plain}`],
    ...['--from', 'sender@example.net', '--to', 'user@example.test', '--header', 'Subject: delivered'],
  ])
  assert.equal(code, 0, transcript)
  assert.match(transcript, /250 2\.0\.0 Ok: queued as/)
  const [message] = await postfix.waitForMessages(1)
  assert.match(message ?? '', /^Subject: delivered$/m)
  assert.match(message ?? '', /^Delivered-To: user@example\.test$/m)
})

test('an unknown recipient is refused', async t => {
  const client = await connect(t, { port: postfix.ports.plain })
  await client.expect(/^220 mail\.example\.test /)
  await client.command('EHLO client.example.net', /^250-PIPELINING$/m)
  await client.command('MAIL FROM:<sender@example.net>', /^250 2\.1\.0/)
  await client.command('RCPT TO:<nobody@example.test>', /^550 5\.1\.1 /)
})

test('whoever seems to come from loopback may relay; the mail is thrown away', async t => {
  const client = await connect(t, { port: postfix.ports.plain })
  await client.expect(/^220 /)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<anybody@foreign.example>', /^250/)
  await client.command('DATA', /^354/)
  await client.command('Subject: away\r\n\r\n.', /^250/)
  await postfix.waitForLog(/discard\[.*to=<anybody@foreign\.example>/)
})

test('an address in a PROXY header is not loopback', async t => {
  const client = await connect(t, { port: postfix.ports.proxy })
  client.sendRaw('PROXY TCP4 192.0.2.1 192.0.2.25 40001 25\r\n')
  await client.expect(/^220 /)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<anybody@foreign.example>', /^554 5\.7\.1 .*Relay access denied/)
  await client.command('RCPT TO:<user@example.test>', /^250/)
  await postfix.waitForLog(/^.*proxy\/smtpd\[\d+\]: connect from unknown\[192\.0\.2\.1\]/)
})

test('an address in XCLIENT is not loopback', async t => {
  const client = await connect(t, { port: postfix.ports.xclient })
  await client.expect(/^220 /)
  await client.command('EHLO client.example.net', /^250-XCLIENT .*ADDR/m)
  await client.command('XCLIENT NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::1', /^220 /)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<anybody@foreign.example>', /^554 5\.7\.1 .*Relay access denied/)
  await postfix.waitForLog(/xclient\/smtpd\[\d+\]: .*unknown\[2001:db8::1\]/)
})

test('stopped and started, it listens on the same ports and has lost nothing', async t => {
  const already = (await postfix.messages()).length
  await postfix.stop()
  await assert.rejects(connect(t, { port: postfix.ports.plain }), /ECONNREFUSED/)
  const squatter = createServer()
  await new Promise<void>(resolve => squatter.listen(postfix.ports.proxy, '127.0.0.1', resolve))
  await assert.rejects(postfix.start(), /--- log\n.*fatal: bind 127\.0\.0\.1 port \d+: Address already in use/s)
  await new Promise(resolve => squatter.close(resolve))
  await postfix.start()
  const { code, output } = await smtpSource([
    ...['-m', '20', '-s', '4', '-l', '2000', '-f', 'sender@example.net', '-t', 'other@example.test'],
    `127.0.0.1:${postfix.ports.plain}`,
  ])
  assert.equal(code, 0, output)
  assert.equal((await postfix.waitForMessages(already + 20)).length, already + 20)
})

test('two of them do not meet', async t => {
  const second = await startPostfix(t, { recipients: ['solo@example.test'], main: { message_size_limit: '1000' } })
  const client = await connect(t, { port: second.ports.plain })
  await client.expect(/^220 /)
  await client.command('EHLO client.example.net', /^250-SIZE 1000$/m)
  await client.command('MAIL FROM:<>', /^250/)
  await client.command('RCPT TO:<user@example.test>', /^550 5\.1\.1/)
  await client.command('RCPT TO:<solo@example.test>', /^250/)
  assert.deepEqual(await second.messages(), [])
})

test('a Postfix that does not start says why', async t => {
  await assert.rejects(
    startPostfix(t, { main: { inet_protocols: 'none' } }),
    /--- log\n.*fatal: unknown inet_protocols value/,
  )
})
