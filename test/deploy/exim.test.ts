import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { proxyBlock } from '../e2e/client.ts'
import { connect } from '../support/dialogue.ts'
import { startExim } from '../support/exim.ts'
import { startGate } from '../support/gate.ts'
import { freePort } from '../support/port.ts'
import { run } from '../support/process.ts'
import { falseEnds, testBehindGate } from './backend-cases.ts'
import { textOf } from './files.ts'
import { readmeIsGood } from './readme.ts'
import { repliesTo } from './replies.ts'

const exim = await startExim({ after })
const relay = ['EHLO client.example\r\n', 'MAIL FROM:<a@client.example>\r\n', 'RCPT TO:<x@elsewhere.example>\r\n']

await testBehindGate({
  recipe: 'deploy/backends/exim',
  server: exim,
  identities: ['proxy_v2', 'proxy_v1'],
  accepted: /^250 OK id=([\w-]+)$/,
  relayDenied: /^550 relay not permitted$/,
  logged: address => ` H=(client.example.net) [${address}]:40001 `,
  received: address => `Received: from [${address}] (port=40001 helo=client.example.net)\n`,
})

describe('the Exim recipe', () => {
  it('is taken by exim4 -bV without a warning', async () => {
    const { code, stdout, stderr } = await run('chroot', [exim.root, '/usr/sbin/exim4', '-bV'])
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^Support for: .* PROXY /m)
    assert.match(stdout, /^Configuration file is \/etc\/exim4\/exim4\.conf$/m)
    assert.doesNotMatch(await exim.log(), /Warning/)
  })

  it('shows what came of it, by the commands of the recipe', async () => {
    const readme = await textOf('deploy/backends/exim/README.md')
    const shown: Readonly<Record<string, string>> = {
      '+relay_from_hosts': 'hostlist relay_from_hosts = <; 192.0.2.64/26 ; 2001:db8:64::/48\n',
      local_interfaces: `local_interfaces = 127.0.0.1.${exim.port}\n`,
    }
    const asked = [...readme.matchAll(/`exim4 -bP (\S+)`/g)].map(([, what = '']) => what)
    assert.deepEqual(asked, Object.keys(shown))
    for (const what of asked) {
      const { stdout } = await run('chroot', [exim.root, '/usr/sbin/exim4', '-bP', what])
      assert.equal(stdout, shown[what])
    }
  })

  it('listens on the loopback port of the gate and nowhere else', async t => {
    assert.match(await exim.log(), new RegExp(`listening for SMTP on \\[127\\.0\\.0\\.1\\]:${exim.port}$`, 'm'))
    await assert.rejects(connect(t, { host: '127.0.0.2', port: exim.port }), /ECONNREFUSED/)
  })

  it('gives no service without the header', async t => {
    const client = await connect(t, { port: exim.port })
    // It waits for a header for 3 s; this line is taken for a wrong one at once.
    client.send('EHLO client.example')
    await client.expect(/^220 /)
    for (const line of relay) {
      client.sendRaw(line)
      await client.expect(/^503 Command refused, required Proxy negotiation failed$/)
    }
  })

  it('refuses to relay for a session of the gate itself, so that a lost identity opens nothing', async t => {
    assert.equal((await repliesTo(t, exim.port, proxyBlock(null), relay))[3], '550 relay not permitted')
  })

  it('shows in its log the client and the port of the gate', async t => {
    const says = [
      ...relay.slice(0, 2),
      'RCPT TO:<user@example.net>\r\n',
      'DATA\r\n',
      'Subject: one\r\n\r\none\r\n.\r\n',
    ]
    assert.match((await repliesTo(t, exim.port, proxyBlock('198.51.100.8'), says))[5] ?? '', /^250 OK id=/)
    await exim.waitForLog(
      new RegExp(
        ` H=\\(client\\.example\\) \\[198\\.51\\.100\\.8\\]:40002 I=\\[127\\.0\\.0\\.1\\]:${exim.port} P=esmtp `,
      ),
    )
  })

  it('takes no header on another port, as for submission', async t => {
    const other = await freePort()
    const edit = (text: string) => text.replace(/^local_interfaces = .*/m, line => `${line} : 127.0.0.1.${other}`)
    const second = await startExim(t, { edit })
    const [greeting = '', ehlo = ''] = await repliesTo(t, other, Buffer.alloc(0), relay)
    assert.match(greeting, /^220 /)
    assert.match(ehlo, /^250-mx\.example\.net Hello client\.example \[127\.0\.0\.1\]$/m)
    const client = await connect(t, { port: other })
    client.sendRaw(proxyBlock('192.0.2.66'))
    // Talk before the greeting, or commands that do not exist, if it comes a moment later.
    await client.closed
    assert.doesNotMatch(client.transcript(), /S: 250/)
    assert.match((await repliesTo(t, second.port, proxyBlock('192.0.2.66'), relay))[3] ?? '', /^250 /)
  })

  it('is sent chunks as they came, dots and all', async t => {
    const gate = await startGate(t, `backend: 127.0.0.1:${exim.port}`)
    const client = await connect(t, { port: gate.port })
    await client.expect(/^220 /m)
    await client.command('EHLO client.example', /^250-CHUNKING$/m)
    await client.command('MAIL FROM:<a@client.example> BODY=8BITMIME', /^250/)
    await client.command('RCPT TO:<user@example.net>', /^250/)
    const [first, last] = ['Subject: chunks\r\n\r\none\r\n', '.\r\n..\r\nMAIL FROM:<a@client.example>\r\ncaf\xe9\r\n']
    client.sendRaw(`BDAT ${first.length}\r\n${first}`)
    await client.expect(/^250 /)
    client.sendRaw(`BDAT ${last.length} LAST\r\n${last}`)
    const id = /\bid=([\w-]+)$/.exec((await client.reply()).text)?.[1] ?? 'none'
    await client.command('QUIT', /^221/)
    await exim.waitForLog(new RegExp(` ${id} Completed$`))
    const delivered = (await exim.messages()).filter(text => text.includes('\nSubject: chunks\n'))
    assert.equal(delivered.length, 1)
    assert.ok(delivered[0]?.endsWith(`\n${`${first}${last}`.replaceAll('\r', '')}`), delivered[0])
  })

  it('may offer PRDR and PIPECONNECT: the gate does not pass them on', async t => {
    const second = await startExim(t, { edit: text => `prdr_enable = true\n${text}` })
    const gate = await startGate(t, `backend: 127.0.0.1:${second.port}`)
    const [, direct = ''] = await repliesTo(t, second.port, proxyBlock('198.51.100.9'), relay.slice(0, 1))
    assert.match(direct, /^250-PRDR$/m)
    assert.match(direct, /^250-PIPECONNECT$/m)
    const client = await connect(t, { port: gate.port })
    await client.expect(/^220 /m)
    await client.command('EHLO client.example', /^250-(?!.*(?:PRDR|PIPECONNECT))/s)
  })

  it('takes no false end of data by itself', async t => {
    const envelope = [...relay.slice(0, 2), 'RCPT TO:<user@example.net>\r\n', 'DATA\r\n']
    for (const [name, end] of Object.entries(falseEnds)) {
      const text = `Subject: one\r\n\r\none${end}MAIL FROM:<a@client.example>\r\n.\r\n`
      const replies = await repliesTo(t, exim.port, proxyBlock('198.51.100.9'), [...envelope, text, 'QUIT\r\n'])
      assert.deepEqual(
        replies.slice(4).map(reply => reply.slice(0, 3)),
        ['354', '250', '221'],
        name,
      )
    }
  })

  it('has a README with a configuration that the gate calls good', () => readmeIsGood('deploy/backends/exim'))
})
