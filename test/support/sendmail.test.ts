import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { connect } from './dialogue.ts'
import { startSendmail } from './sendmail.ts'
import { smtpSource, swaks } from './swaks.ts'

const sendmail = await startSendmail({ after })

test('no connection is logged that no test made', async () => {
  const log = await sendmail.log()
  assert.match(log, /starting daemon \(8\.17\.1\.9\)/)
  assert.doesNotMatch(log, /connect from/)
})

test('mail from swaks is delivered', async () => {
  const { code, transcript } = await swaks([
    ...['--server', '127.0.0.1', '--port', `${sendmail.ports.plain}`],
    ...['--from', 'sender@example.net', '--to', 'user@example.test', '--header', 'Subject: delivered'],
  ])
  assert.equal(code, 0, transcript)
  assert.match(transcript, /250 2\.0\.0 \w+ Message accepted for delivery/)
  const [message] = await sendmail.waitForMessages(1)
  assert.match(message ?? '', /^Subject: delivered$/m)
  await sendmail.waitForLog(/to=<user@example\.test>, .*mailer=local, .*stat=Sent$/)
})

test('an unknown recipient is refused, and whoever comes from loopback may relay', async t => {
  const client = await connect(t, { port: sendmail.ports.plain })
  await client.expect(/^220 mail\.example\.test ESMTP Sendmail 8\.17\.1\.9\//)
  await client.command('EHLO client.example.net', /^250-PIPELINING$/m)
  await client.command('MAIL FROM:<sender@example.net>', /^250 2\.1\.0/)
  await client.command('RCPT TO:<stranger@example.test>', /^550 5\.1\.1 .*User unknown$/)
  await client.command('RCPT TO:<anybody@foreign.example>', /^250 2\.1\.5 /)
})

test('stopped and started, it listens on the same port and has lost nothing', async t => {
  const already = (await sendmail.messages()).length
  await sendmail.stop()
  await assert.rejects(connect(t, { port: sendmail.ports.plain }), /ECONNREFUSED/)
  await sendmail.start()
  const { code, output } = await smtpSource([
    ...['-m', '5', '-s', '1', '-l', '2000', '-f', 'sender@example.net', '-t', 'other@example.test'],
    `127.0.0.1:${sendmail.ports.plain}`,
  ])
  assert.equal(code, 0, output)
  assert.equal((await sendmail.waitForMessages(already + 5)).length, already + 5)
})

test('two of them do not meet', async t => {
  const second = await startSendmail(t, { access: 'To:foreign.example\tREJECT\n' })
  const client = await connect(t, { port: second.ports.plain })
  await client.expect(/^220 /)
  await client.command('EHLO client.example.net', /^250/)
  await client.command('MAIL FROM:<sender@example.net>', /^250/)
  await client.command('RCPT TO:<user@example.test>', /^250/)
  assert.deepEqual(await second.messages(), [])
})

test('a Sendmail that does not start says why', async t => {
  const broken = await startSendmail(t)
  await broken.stop()
  await broken.run('echo "O NoSuchOption" >> /etc/mail/sendmail.cf')
  await assert.rejects(broken.start(), /--- log\n.*readcf: unknown option name NoSuchOption/s)
})
