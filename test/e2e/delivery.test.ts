import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect } from '../support/dialogue.ts'
import { startGate } from '../support/gate.ts'
import { freePort } from '../support/port.ts'
import { startPostfix } from '../support/postfix.ts'
import { smtpSource, swaks } from '../support/swaks.ts'
import { headOf, stuffed, trickyLines } from '../support/whole-message.ts'
import { believing, connectAs, sendMail, swaksAs } from './client.ts'

const postfix = await startPostfix({ after })

const head = (subject: string) => headOf(subject, 'sender@example.net', 'user@example.test')

/** The message with this subject as it was delivered, apart from the lines that Postfix put on top. */
async function delivered(subject: string): Promise<{ readonly top: string; readonly message: string }> {
  const cleaned = await postfix.waitForLog(new RegExp(`message-id=<${subject}@`))
  await postfix.waitForLog(new RegExp(`${/(\w+): message-id=/.exec(cleaned)?.[1]}: removed`))
  const copies = (await postfix.messages()).filter(text => text.includes(`\nSubject: ${subject}\n`))
  assert.equal(copies.length, 1)
  const [text = ''] = copies
  const begin = text.indexOf('From: sender@example.net\n')
  return { top: text.slice(0, begin), message: text.slice(begin) }
}

const identities = [
  { identity: 'proxy_v2', port: postfix.ports.proxy, service: 'proxy', more: '' },
  { identity: 'proxy_v1', port: postfix.ports.proxy, service: 'proxy', more: '' },
  { identity: 'xclient', port: postfix.ports.xclient, service: 'xclient', more: '' },
  { identity: 'none', port: postfix.ports.plain, service: 'plain', more: 'recipient_domains: [example.test]\n' },
]

/** How the top `Received:` line and the log name a client. */
const literal = (address: string) => (address.includes(':') ? `IPv6:${address}` : address)
const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1))
const escaped = (text: string) => text.replaceAll(/[.[\]]/g, '\\$&')

for (const { identity, port, service, more } of identities) {
  const seen = (address: string) => (identity === 'none' ? '127.0.0.1' : address)
  const backend = `backend: { address: '127.0.0.1:${port}', identity: ${identity} }\n${more}`
  const gate = await startGate({ after }, `${backend}${believing}`)
  const whose = identity === 'none' ? "the gate's" : "the client's"

  test(`${identity}: a message arrives octet for octet, with ${whose} address in Received and in Postfix's log`, async t => {
    for (const address of ['192.0.2.7', '2001:db8::7']) {
      const subject = `octets-${identity}-${address.replaceAll(':', '-')}`
      const lines = [...head(subject), ...trickyLines('y'.repeat(9_000))]
      const client = await connectAs(t, gate, address)
      const reply = await sendMail(client, stuffed(lines), { helo: 'mail.example.net' })
      const queueId = /^250 2\.0\.0 Ok: queued as (\w+)$/.exec(reply)?.[1] ?? reply
      const { top, message } = await delivered(subject)
      assert.equal(message, `${lines.join('\n')}\n`)
      const from = escaped(literal(seen(address)))
      assert.match(
        top,
        new RegExp(`^Received: from mail\\.example\\.net \\((?:unknown|localhost) \\[${from}\\]\\)$`, 'm'),
      )
      await postfix.waitForLog(
        new RegExp(`${service}/smtpd\\[\\d+\\]: ${queueId}: client=\\w+\\[${escaped(seen(address))}\\]`),
      )
      const line = await gate.waitForSession(({ client }) => client === address)
      assert.deepEqual([line.verdict, line.ending, line.queue_ids], ['passed', 'quit', [queueId]])
      assert.deepEqual(line.messages, { accepted: 1, deferred: 0, refused: 0, aborted: 0 })
    }
  })

  test(`${identity}: swaks delivers what it sends`, async () => {
    const subject = `swaks-${identity}`
    const file = join(gate.folder, 'message')
    const text = `${[...head(subject), '.', '..dots', 'z'.repeat(2_000), 'caf\xe9'].join('\n')}\n`
    // swaks ends the last line itself.
    await writeFile(file, text.slice(0, -1), 'latin1')
    const to = ['--from', 'sender@example.net', '--to', 'user@example.test']
    const at = ['--server', '127.0.0.1', '--port', `${gate.port}`]
    const { code, transcript } = await swaks([...at, ...swaksAs('192.0.2.9'), ...to, '--data', `@${file}`])
    assert.equal(code, 0, transcript)
    const { top, message } = await delivered(subject)
    assert.equal(message, text)
    assert.match(
      top,
      new RegExp(`^Received: from client\\.example\\.net \\(\\w+ \\[${escaped(seen('192.0.2.9'))}\\]\\)$`, 'm'),
    )
  })

  test(`${identity}: without a balancer, of IPv4 or IPv6, ${whose} address is shown, and smtp-source delivers`, async t => {
    const direct = await startGate(
      t,
      `${backend}listen: ['127.0.0.1:${await freePort()}', '[::1]:${await freePort()}']`,
    )
    for (const [index, address] of ['127.0.0.77', '::1'].entries()) {
      const listener = { host: index === 0 ? '127.0.0.1' : '::1', port: portOf(direct.listen[index] ?? '') }
      const client = await connect(t, { ...listener, localAddress: address })
      const subject = `direct-${identity}-${index}`
      await sendMail(client, `${[...head(subject), 'text'].join('\r\n')}\r\n`)
      const from = escaped(literal(seen(address)))
      assert.match(
        (await delivered(subject)).top,
        new RegExp(`^Received: from client\\.example\\.net \\(\\w+ \\[${from}\\]\\)$`, 'm'),
      )
      await postfix.waitForLog(
        new RegExp(`${service}/smtpd\\[\\d+\\]: \\w+: client=\\w+\\[${escaped(seen(address))}\\]`),
      )
    }
    const before = (await postfix.messages()).length
    const source = ['-4', '-m', '12', '-s', '4', '-l', '5000', '-f', 'sender@example.net', '-t', 'other@example.test']
    const sent = await smtpSource([...source, `127.0.0.1:${direct.port}`])
    assert.deepEqual(sent, { code: 0, output: '' })
    assert.equal((await postfix.waitForMessages(before + 12)).length, before + 12)
    await direct.waitForSession(
      () => direct.log().filter(line => line.client === '127.0.0.1' && line.messages?.['accepted'] === 1).length === 12,
    )
  })
}

test('several messages in one session, and a null sender, arrive each once', async t => {
  const gate = await startGate(t, `backend: 127.0.0.1:${postfix.ports.proxy}`)
  const client = await connect(t, { port: gate.port, localAddress: '127.0.0.78' })
  await client.expect(/^220 /m)
  await client.command('EHLO client.example.net', /^250/)
  for (const subject of ['several-1', 'several-2', 'several-3']) {
    await client.command('MAIL FROM:<> SIZE=300 BODY=8BITMIME', /^250/)
    await client.command('RCPT TO:<nobody@example.test>', /^550 5\.1\.1 .*User unknown/)
    await client.command('RCPT TO:<other@example.test>', /^250/)
    await client.command('DATA', /^354/)
    await client.command(`${[...head(subject), subject].join('\r\n')}\r\n.`, /^250 2\.0\.0 Ok: queued/)
  }
  await client.command('QUIT', /^221/)
  for (const subject of ['several-1', 'several-2', 'several-3']) {
    assert.equal((await delivered(subject)).message, `${[...head(subject), subject].join('\n')}\n`)
  }
  assert.equal((await postfix.messages()).filter(text => text.includes('Subject: several-')).length, 3)
  const line = await gate.waitForSession(({ client }) => client === '127.0.0.78')
  assert.deepEqual(line.messages, { accepted: 3, deferred: 0, refused: 0, aborted: 0 })
  assert.equal(line.recipients, 6)
  assert.equal(line.from, '')
})
