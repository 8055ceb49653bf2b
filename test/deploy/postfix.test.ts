import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { proxyBlock } from '../e2e/client.ts'
import { connect } from '../support/dialogue.ts'
import { freePort } from '../support/port.ts'
import { textOf } from './files.ts'
import { append, makePostfix, type PostfixInstance } from './postfix-instance.ts'
import { readmeIsGood } from './readme.ts'
import { repliesTo } from './replies.ts'

const recipe = 'deploy/backends/postfix'
const nothing = Buffer.alloc(0)

/** One message whose text has a bare newline before and after a dot: the old way to smuggle a second message in. */
const smuggling = [
  'EHLO client.example\r\n',
  'MAIL FROM:<a@client.example>\r\n',
  'RCPT TO:<b@example.net>\r\n',
  'DATA\r\n',
  'Subject: one\r\n\r\none\n.\nMAIL FROM:<smuggled@client.example>\r\n.\r\n',
  'QUIT\r\n',
]
/** What a server says which takes that as one message; one that takes LF.LF as an end has a 250 where the 221 is. */
const oneMessage = ['220', '250', '250', '250', '354', '250', '221']

const codes = (replies: readonly string[]) => replies.map(reply => reply.slice(0, 3))
const relay = ['EHLO client.example\r\n', 'MAIL FROM:<a@client.example>\r\n', 'RCPT TO:<x@elsewhere.example>\r\n']

async function applied(fragment: string, port: number): Promise<PostfixInstance> {
  const postfix = await makePostfix()
  await append(postfix, 'main.cf', await textOf(`${recipe}/main.cf.fragment`), port)
  await append(postfix, 'master.cf', await textOf(`${recipe}/${fragment}`), port)
  return postfix
}

describe('the Postfix recipe for PROXY v2', () => {
  let postfix: PostfixInstance
  let port = 0
  before(async () => {
    port = await freePort()
    postfix = await applied('master.cf.fragment', port)
  })
  after(() => postfix.remove())

  it('is taken by postfix check and postconf without a warning', async () => {
    const check = await postfix.run('postfix', 'check')
    assert.deepEqual([check.code, check.stdout, check.stderr], [0, '', ''])
    const service = await postfix.run('postconf', '-M', `127.0.0.1:${port}/inet`)
    assert.match(service.stdout, new RegExp(`^127\\.0\\.0\\.1:${port} +inet +n +- +y +- +- +smtpd\\b`))
    const settings = await postfix.run('postconf', '-P', `127.0.0.1:${port}/inet`)
    assert.deepEqual(settings.stdout.split(/ *\n/).filter(Boolean).sort(), [
      `127.0.0.1:${port}/inet/smtpd_authorized_xclient_hosts =`,
      `127.0.0.1:${port}/inet/smtpd_forbid_bare_newline = normalize`,
      `127.0.0.1:${port}/inet/smtpd_forbid_bare_newline_exclusions =`,
      `127.0.0.1:${port}/inet/smtpd_relay_restrictions = permit_sasl_authenticated,reject_unauth_destination`,
      `127.0.0.1:${port}/inet/smtpd_upstream_proxy_protocol = haproxy`,
      `127.0.0.1:${port}/inet/syslog_name = postfix/gate`,
    ])
    const changed = await postfix.run('postconf', '-n')
    assert.match(changed.stdout, /^master_service_disable = smtp\.inet$/m)
    assert.deepEqual([service.stderr, settings.stderr, changed.stderr], ['', '', ''])
  })

  it('listens on the loopback port of the gate and nowhere else', async () => {
    await postfix.start()
    assert.deepEqual(await postfix.listening(), [`127.0.0.1:${port}`])
  })

  it('refuses to relay for the client of the header, though the connection comes from mynetworks', async t => {
    const replies = await repliesTo(t, port, proxyBlock('192.0.2.1'), relay)
    assert.match(replies[0] ?? '', /^220 /)
    assert.match(replies[3] ?? '', /^554 5\.7\.1 .*Relay access denied$/)
    const log = await postfix.logged(/disconnect from unknown\[192\.0\.2\.1\]/)
    assert.doesNotMatch(log, /warning|fatal/)
    assert.match(log, /postfix\/gate\/smtpd\[\d+\]: connect from unknown\[192\.0\.2\.1\]/)
    assert.match(log, /reject: RCPT from unknown\[192\.0\.2\.1\]: 554 5\.7\.1 .*Relay access denied/)
  })

  it('refuses to relay even for an address of mynetworks, so that a lost identity opens nothing', async t => {
    const replies = await repliesTo(t, port, proxyBlock('127.0.0.9'), relay)
    assert.match(replies[3] ?? '', /^554 5\.7\.1 /)
  })

  it('takes LF.LF as text and not as an end of data, from any address', async t => {
    for (const client of ['192.0.2.1', '127.0.0.9']) {
      assert.deepEqual(codes(await repliesTo(t, port, proxyBlock(client), smuggling)), oneMessage)
    }
  })

  it('gives a client in mynetworks no right to use XCLIENT', async t => {
    const [, ehlo = ''] = await repliesTo(t, port, proxyBlock('127.0.0.1'), ['EHLO client.example\r\n'])
    assert.match(ehlo, /^250-PIPELINING/m)
    assert.doesNotMatch(ehlo, /XCLIENT/)
  })

  it('gives no service without the header', async t => {
    const client = await connect(t, { port })
    client.send('EHLO client.example')
    // Postfix closes with our octets unread, so that a reset may overtake its 421.
    await client.closed
    assert.doesNotMatch(client.transcript(), /S: (?!421 |\[)/)
    await postfix.logged(/warning: haproxy read: /)
  })
})

describe('the Postfix recipe for XCLIENT', () => {
  let postfix: PostfixInstance
  let port = 0
  before(async () => {
    port = await freePort()
    postfix = await applied('master.cf.xclient.fragment', port)
  })
  after(() => postfix.remove())

  it('is taken by postfix check without a warning, and listens on loopback alone', async () => {
    const check = await postfix.run('postfix', 'check')
    assert.deepEqual([check.code, check.stdout, check.stderr], [0, '', ''])
    await postfix.start()
    assert.deepEqual(await postfix.listening(), [`127.0.0.1:${port}`])
  })

  it('knows the client that XCLIENT names, and refuses to relay for it', async t => {
    const xclient = 'XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.1\r\n'
    const replies = await repliesTo(t, port, nothing, ['EHLO gate.example\r\n', xclient, ...relay])
    assert.match(replies[1] ?? '', /^250-XCLIENT /m)
    assert.match(replies[2] ?? '', /^220 /)
    assert.match(replies[5] ?? '', /^554 5\.7\.1 .*Relay access denied$/)
    await postfix.logged(/reject: RCPT from unknown\[192\.0\.2\.1\]: 554 5\.7\.1 /)
  })

  it('refuses to relay for the gate itself, should it say nothing of the client', async t => {
    const replies = await repliesTo(t, port, nothing, relay)
    assert.match(replies[3] ?? '', /^554 5\.7\.1 .*Relay access denied$/)
  })

  it('takes LF.LF as text and not as an end of data, with XCLIENT or without', async t => {
    assert.deepEqual(codes(await repliesTo(t, port, nothing, smuggling)), oneMessage)
    const named = await repliesTo(t, port, nothing, ['EHLO g.example\r\n', 'XCLIENT ADDR=192.0.2.1\r\n', ...smuggling])
    assert.deepEqual(codes(named), ['220', '250', ...oneMessage])
  })
})

describe('the README of the Postfix recipe', () => {
  it('shows a configuration that the gate calls good', () => readmeIsGood(recipe))
})
