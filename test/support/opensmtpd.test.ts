import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { proxyBlock } from '../e2e/client.ts'
import { connect, type Dialogue } from './dialogue.ts'
import { startOpenSmtpd } from './opensmtpd.ts'

const openSmtpd = await startOpenSmtpd({ after })

async function greeted(client: Dialogue): Promise<Dialogue> {
  client.sendRaw(proxyBlock('198.51.100.1'))
  await client.expect(/^220 mx\.example\.net ESMTP OpenSMTPD$/)
  await client.command(
    'EHLO client.example',
    /^250-mx\.example\.net Hello client\.example \[198\.51\.100\.1\], pleased to meet you$/m,
  )
  await client.command('MAIL FROM:<a@client.example>', /^250/)
  return client
}

test('a message is delivered, and the log knows the client of the header', async t => {
  const client = await greeted(await connect(t, { port: openSmtpd.port }))
  await client.command('RCPT TO:<nobody@example.net>', /^524 5\.2\.4 /)
  await client.command('RCPT TO:<user@example.net>', /^250/)
  await client.command('DATA', /^354/)
  await client.command('From: a@client.example\r\nSubject: one\r\n\r\n..\r\n.', /^250 2\.0\.0 /)
  const [message = ''] = await openSmtpd.waitForMessages(1)
  assert.match(message, /^Delivered-To: user@example\.net$/m)
  assert.match(message, /^Subject: one\n(?:[A-Z].*\n)*\n\.\n$/m)
  await openSmtpd.waitForLog(/ smtp connected address=198\.51\.100\.1 /)
})

test('stopped, it does not listen; started again, it has lost nothing; and two of them do not meet', async t => {
  const second = await startOpenSmtpd(t)
  assert.deepEqual(await second.messages(), [])
  const before = (await openSmtpd.messages()).length
  await openSmtpd.stop()
  await assert.rejects(connect(t, { port: openSmtpd.port }), /ECONNREFUSED/)
  await greeted(await connect(t, { port: second.port }))
  await openSmtpd.start()
  await greeted(await connect(t, { port: openSmtpd.port }))
  assert.equal((await openSmtpd.messages()).length, before)
})

test('an OpenSMTPD that does not start says why', async t => {
  await assert.rejects(startOpenSmtpd(t, { edit: text => `no such line\n${text}` }), /smtpd\.conf:1: syntax error/)
})
