import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { connect, type Dialogue } from './dialogue.ts'
import { startExim } from './exim.ts'

const exim = await startExim({ after })

async function greeted(client: Dialogue): Promise<Dialogue> {
  client.sendRaw('PROXY TCP4 198.51.100.1 192.0.2.25 40001 25\r\n')
  await client.expect(/^220 mx\.example\.net ESMTP Exim /)
  await client.command('EHLO client.example', /^250-mx\.example\.net Hello client\.example \[198\.51\.100\.1\]$/m)
  await client.command('MAIL FROM:<a@client.example>', /^250/)
  return client
}

test('a message is delivered, and the log knows the client of the header', async t => {
  const client = await greeted(await connect(t, { port: exim.port }))
  await client.command('RCPT TO:<nobody@example.net>', /^550 no such mailbox$/)
  await client.command('RCPT TO:<user@example.net>', /^250/)
  await client.command('DATA', /^354/)
  await client.command('Subject: one\r\n\r\n..\r\n.', /^250 OK id=/)
  const [message = ''] = await exim.waitForMessages(1)
  assert.match(message, /^Envelope-to: user@example\.net$/m)
  assert.ok(message.endsWith('\nSubject: one\n\n.\n'), message)
  await exim.waitForLog(/ <= a@client\.example H=\(client\.example\) \[198\.51\.100\.1\]:40001 /)
})

test('stopped, it does not listen; started again, it has lost nothing; and two of them do not meet', async t => {
  const second = await startExim(t)
  assert.deepEqual(await second.messages(), [])
  const before = (await exim.messages()).length
  await exim.stop()
  await assert.rejects(connect(t, { port: exim.port }), /ECONNREFUSED/)
  await greeted(await connect(t, { port: second.port }))
  await exim.start()
  await greeted(await connect(t, { port: exim.port }))
  assert.equal((await exim.messages()).length, before)
})

test('an Exim that does not start says why', async t => {
  await assert.rejects(startExim(t, { edit: text => `no_such_option = 1\n${text}` }), /option "no_such_option" unknown/)
})
