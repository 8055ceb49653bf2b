import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { proxyBlock, proxyLine } from '../e2e/client.ts'
import { connect } from '../support/dialogue.ts'
import { startOpenSmtpd } from '../support/opensmtpd.ts'
import { run } from '../support/process.ts'
import { falseEnds, testBehindGate } from './backend-cases.ts'
import { readmeIsGood } from './readme.ts'
import { repliesTo } from './replies.ts'

const openSmtpd = await startOpenSmtpd({ after })
const relay = ['EHLO client.example\r\n', 'MAIL FROM:<a@client.example>\r\n', 'RCPT TO:<x@elsewhere.example>\r\n']
const denied = '550 Invalid recipient: <x@elsewhere.example>'
const literal = (address: string) => (address.includes(':') ? `[${address}]` : address)

await testBehindGate({
  recipe: 'deploy/backends/opensmtpd',
  server: openSmtpd,
  identities: ['proxy_v2'],
  accepted: /^250 2\.0\.0 ([0-9a-f]{8}) Message accepted for delivery$/,
  relayDenied: /^550 Invalid recipient: <somebody@elsewhere\.example>$/,
  logged: address => ` smtp connected address=${literal(address)} host=`,
  received: address => `Received: from client.example.net (<unknown> [${address}])\n`,
})

describe('the OpenSMTPD recipe', () => {
  it('is taken by smtpd -n', async () => {
    const { code, output } = await run('chroot', [openSmtpd.root, '/usr/sbin/smtpd', '-n'])
    assert.deepEqual([code, output], [0, 'configuration OK\n'])
  })

  it('listens on the loopback port of the gate and nowhere else', async t => {
    await assert.rejects(connect(t, { host: '127.0.0.2', port: openSmtpd.port }), /ECONNREFUSED/)
  })

  it('closes without a word when a header is missing or is of version 1', async t => {
    for (const opening of ['EHLO client.example\r\n', proxyLine('192.0.2.66')]) {
      const client = await connect(t, { port: openSmtpd.port })
      client.sendRaw(opening)
      await client.closed
      assert.doesNotMatch(client.transcript(), /S: (?!\[)/)
    }
    await openSmtpd.waitForLog(/^proxy .* event=closed address=127\.0\.0\.1 reason="protocol error/)
  })

  it('refuses to relay for a session of the gate itself, so that a lost identity opens nothing', async t => {
    assert.equal((await repliesTo(t, openSmtpd.port, proxyBlock(null), relay))[3], denied)
  })

  it('would relay for it where a rule has no "from", which means local', async t => {
    const edit = (text: string) => text.replace('match from socket for any', 'match for any')
    const open = await startOpenSmtpd(t, { edit })
    assert.match((await repliesTo(t, open.port, proxyBlock(null), relay))[3] ?? '', /^250 /)
    assert.equal((await repliesTo(t, open.port, proxyBlock('198.51.100.8'), relay))[3], denied)
  })

  it('needs the gate: by itself, OpenSMTPD takes a bare newline for an end of data', async t => {
    const envelope = [...relay.slice(0, 2), 'RCPT TO:<user@example.net>\r\n', 'DATA\r\n']
    for (const name of ['LF.LF', 'LF.CRLF', 'CRLF.LF', 'CRLF.NUL CRLF']) {
      const text = `From: a@client.example\r\n\r\none${falseEnds[name]}`
      const replies = await repliesTo(t, openSmtpd.port, proxyBlock('198.51.100.9'), [...envelope, text])
      assert.match(replies[5] ?? '', /^250 2\.0\.0 \w+ Message accepted/, name)
    }
  })

  it('has a README with a configuration that the gate calls good', () => readmeIsGood('deploy/backends/opensmtpd'))
})
