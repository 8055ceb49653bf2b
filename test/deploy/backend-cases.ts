// What each mail server must show behind the gate, with the configuration of its recipe: registered as tests by its own test file.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { believing, connectAs, proxyBlock, proxyLine, sendMail, swaksAs, untilRcpt } from '../e2e/client.ts'
import { connect, type Dialogue } from '../support/dialogue.ts'
import { found } from '../support/found.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import type { Owner } from '../support/owner.ts'
import type { RootedServer } from '../support/rooted-server.ts'
import { swaks } from '../support/swaks.ts'
import { headOf, stuffed, trickyLines } from '../support/whole-message.ts'
import { textOf } from './files.ts'

interface Backend {
  /** The directory of its recipe, from the top of the repository. */
  readonly recipe: string
  /** Demands a PROXY header; has mailboxes for `user` and `other` at example.net, and relays for 192.0.2.64/26 and 2001:db8:64::/48. */
  readonly server: RootedServer
  readonly identities: readonly ('proxy_v1' | 'proxy_v2')[]
  /** Its whole reply to end of data; the first group is the queue id. */
  readonly accepted: RegExp
  /** Its whole reply to a recipient elsewhere from a client that may not relay. */
  readonly relayDenied: RegExp
  /** How a line of its log and a Received field name a client's address, as text. */
  readonly logged: (address: string) => string
  readonly received: (address: string) => string
}

const user = { to: 'user@example.net' }
const elsewhere = { to: 'somebody@elsewhere.example' }

const head = (subject: string) => headOf(subject, 'sender@example.org', user.to)

/** Line ends around a dot that one server or another has taken for the end of data; a NUL in it too. */
export const falseEnds: Readonly<Record<string, string>> = {
  'LF.LF': '\n.\n',
  'LF.CRLF': '\n.\r\n',
  'LF.CR': '\n.\r',
  'CRLF.LF': '\r\n.\n',
  'CRLF.CR': '\r\n.\r',
  'CRLF.CRCRLF': '\r\n.\r\r\n',
  'CR.CR': '\r.\r',
  'CR.LF': '\r.\n',
  'CR.CRLF': '\r.\r\n',
  'CRLF NUL.CRLF': '\r\n\0.\r\n',
  'CRLF.NUL CRLF': '\r\n.\0\r\n',
}

/** Registers the tests. Each uses client addresses of its own: what one client did is not remembered against another. */
export async function testBehindGate(backend: Backend): Promise<void> {
  const { server, identities } = backend
  // All of them before the first test: a file whose tests are over ends, whatever it still waits for.
  const each = new Map<string, RunningGate>()
  for (const identity of identities) each.set(identity, await gateBefore(server, identity))
  const gate = await gateBefore(server, 'proxy_v2')
  const observing = await gateBefore(server, 'proxy_v2', 'checks: { smuggling: { action: observe } }')
  for (const [identity, itsGate] of each) {
    testMessage(backend, itsGate, identity)
    testRelaying(backend, itsGate, identity)
  }
  testForgery(backend, gate)
  testFalseEnds(backend, gate, observing)
  testReplies(backend, gate)
  testAbsence(backend, gate)
}

function gateBefore(server: RootedServer, identity: string, more = ''): Promise<RunningGate> {
  const backend = `backend: { address: '127.0.0.1:${server.port}', identity: ${identity} }`
  return startGate({ after }, `${backend}\n${believing}\n${more}`)
}

function testMessage({ server, accepted, logged, received }: Backend, gate: RunningGate, identity: string): void {
  test(`${identity}: a message arrives octet for octet, with the client's address in Received and in the log`, async t => {
    for (const address of ['198.51.100.1', '2001:db8::1']) {
      const subject = `${identity}-${address.replaceAll(/[.:]/g, '-')}`
      const lines = [...head(subject), ...trickyLines(`.${'y'.repeat(997)}`)]
      const reply = await sendMail(await connectAs(t, gate, address), stuffed(lines), user)
      const queueId = accepted.exec(reply)?.[1] ?? reply
      const text = await deliveredWith(server, subject)
      const begin = text.indexOf('From: sender@example.org\n')
      assert.equal(text.slice(begin), `${lines.join('\n')}\n`)
      assert.ok(text.slice(0, begin).includes(received(address)), text.slice(0, begin))
      assert.ok((await server.log()).includes(logged(address)), await server.log())
      const line = await gate.waitForSession(({ client }) => client === address)
      assert.deepEqual([line.verdict, line.ending, line.queue_ids], ['passed', 'quit', [queueId]])
    }
  })
}

function testRelaying({ recipe, relayDenied }: Backend, gate: RunningGate, identity: string): void {
  test(`${identity}: a recipient elsewhere is refused to a stranger and taken from a machine that may relay`, async t => {
    for (const stranger of ['198.51.100.2', '2001:db8::2', '192.0.2.2', '127.0.0.1', '::1']) {
      assert.match(await untilRcpt(await connectAs(t, gate, stranger), elsewhere), relayDenied)
    }
    const command = /^swaks .*$/m.exec(await textOf(`${recipe}/README.md`))?.[0] ?? ''
    const proof = command.replace('YOUR-GATE', '127.0.0.1').split(' ').slice(1)
    const { transcript } = await swaks([...proof, '--port', `${gate.port}`, ...swaksAs('198.51.100.7')])
    assert.match(transcript, /^<\*\* +550 /m)
    for (const relay of ['192.0.2.66', '2001:db8:64::2']) {
      assert.match(await untilRcpt(await connectAs(t, gate, relay), elsewhere), /^250 /)
    }
  })
}

function testForgery({ server, relayDenied, logged }: Backend, gate: RunningGate): void {
  const address = '192.0.2.90'
  const xclient = `XCLIENT ADDR=${address} NAME=relay.example.net`

  test('a client that says XCLIENT or PROXY is refused that, and stays who it is', async t => {
    const client = await connectAs(t, gate, '198.51.100.3')
    await client.expect(/^220 /m)
    await client.command('EHLO client.example', /^250(?!.*(?:XCLIENT|PIPECONNECT))/s)
    await client.command(xclient, /^5/)
    await client.command('MAIL FROM:<a@client.example>', /^250/)
    await client.command('RCPT TO:<user@example.net>', /^250/)
    for (const forgery of [xclient, proxyLine(address).trim()]) await client.command(forgery, /^5/)
    await client.command('RCPT TO:<somebody@elsewhere.example>', relayDenied)
    assert.ok(!(await server.log()).includes(logged(address)))
  })

  test('a client that begins with a PROXY header, version 1 or 2, has spoken before its turn', async t => {
    const text = await connect(t, { port: gate.port, localAddress: '127.0.0.77' })
    text.sendRaw(proxyLine(address))
    await text.expect(/^220 /m)
    await text.expect(/^5/)
    await text.command('EHLO client.example', /^250/)
    await text.command('MAIL FROM:<a@client.example>', /^250/)
    await text.command('RCPT TO:<somebody@elsewhere.example>', /^450 4\.5\.1 Protocol error/)
    const binary = await connect(t, { port: gate.port, localAddress: '127.0.0.78' })
    binary.sendRaw(proxyBlock(address))
    assert.equal(await binary.closed, 'fin')
    assert.ok(!(await server.log()).includes(logged(address)))
  })
}

/** `observing`: a gate that lets through what it takes for smuggling, so that all rests on where it sees the end. */
function testFalseEnds({ server, accepted }: Backend, gate: RunningGate, observing: RunningGate): void {
  /** Sends a message with the i-th of them in it and another message behind; gives the reply to the only true end. */
  const sent = async (owner: Owner, to: RunningGate, name: string, i: number) => {
    const client = await connectAs(owner, to, `198.51.100.${100 + i}`)
    assert.match(await untilRcpt(client, user), /^250 /)
    await client.command('DATA', /^354/)
    client.sendRaw(
      `${head(`false-${i}`).join('\r\n')}\r\none${falseEnds[name]}MAIL FROM:<a@client.example>\r\n` +
        `RCPT TO:<other@example.net>\r\nDATA\r\n${head(`smuggled-${i}`).join('\r\n')}\r\ntwo\r\n.\r\n`,
    )
    const { text } = await client.reply()
    // The reply that comes next is that to QUIT; after a refusal the gate has closed.
    if (to === observing) await client.command('QUIT', /^221/)
    else await client.closed
    return text
  }

  test('a message with a false end is refused, and nothing of it arrives', async t => {
    const before = (await server.messages()).length
    assert.match(await sent(t, gate, 'LF.LF', 20), /^550 5\.5\.2 Message contains a bare newline beside a dot; /)
    assert.equal((await server.messages()).length, before)
  })

  test('no line end around a dot but CRLF.CRLF ends a message', async t => {
    const before = (await server.messages()).length
    const names = Object.keys(falseEnds)
    const replies = await Promise.all(names.map((name, i) => sent(t, observing, name, i)))
    for (const [i, reply] of replies.entries()) assert.match(reply, accepted, names[i])
    const messages = (await server.waitForMessages(before + names.length)).slice(before)
    assert.equal(messages.length, names.length)
    for (const message of messages) assert.match(message, /^one$.*^MAIL FROM:<a@client\.example>$.*^two$/ms)
  })
}

function testReplies({ server }: Backend, gate: RunningGate): void {
  test('replies come back as the server wrote them, of one line or several', async t => {
    const says = ['NOOP', 'HELP', 'VRFY user', 'RCPT TO:<nobody@example.net>', 'RCPT TO:<other@example.net>', 'RSET']
    const dialogue = async (client: Dialogue): Promise<string[]> => {
      const rcpt = await untilRcpt(client, user)
      const replies = [rcpt]
      for (const line of says) {
        client.send(line)
        replies.push((await client.reply()).text)
      }
      return replies
    }
    const direct = await connect(t, { port: server.port })
    direct.sendRaw(proxyBlock('198.51.100.4'))
    const through = await connectAs(t, gate, '198.51.100.4')
    const replies = await dialogue(through)
    assert.deepEqual(replies, await dialogue(direct))
    assert.ok(replies.some(reply => reply.includes('\n')))
  })
}

function testAbsence({ server, accepted }: Backend, gate: RunningGate): void {
  test('while the server is stopped, clients hear 4xx; when it is back, mail flows', async t => {
    await server.stop()
    assert.match(await untilRcpt(await connectAs(t, gate, '198.51.100.6'), user), /^4/)
    await server.start()
    const send = async (): Promise<string | undefined> => {
      const client = await connectAs(t, gate, '198.51.100.6')
      const rcpt = await untilRcpt(client, user)
      if (!rcpt.startsWith('250')) return undefined
      await client.command('DATA', /^354/)
      client.send(`${head('back').join('\r\n')}\r\ntext\r\n.`)
      return (await client.reply()).text
    }
    const reply = await found('no mail flows', 10_000, send, async () => gate.output())
    assert.match(reply, accepted)
    await deliveredWith(server, 'back')
  })
}

/** The one message with this subject, once it is delivered. */
async function deliveredWith(server: RootedServer, subject: string): Promise<string> {
  const look = async (): Promise<string[] | undefined> => {
    const copies = (await server.messages()).filter(text => text.includes(`\nSubject: ${subject}\n`))
    return copies.length > 0 ? copies : undefined
  }
  const copies = await found(`no message ${subject}`, 5_000, look, () => server.log())
  assert.equal(copies.length, 1)
  return copies[0] ?? ''
}
