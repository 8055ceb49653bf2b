// A Sendmail that was built with _FFR_XCNCT, as far as a gate meets it. No package has that build; it was made once of the source of
// Debian's 8.17.1.9-2+deb12u2 with `APPENDDEF(`confENVDEF', `-D_FFR_XCNCT')`, given the rules of deploy/backends/sendmail, and
// spoken to. What it said is here:
//
//   C: X-CONNECT 198.51.100.1 unknown M      S: 220 mail.example.test ESMTP Sendmail … from: [198.51.100.1](FORGED)-unknown …
//   C: RCPT TO:<victim@elsewhere.example>    S: 550 5.7.1 <…>... Relaying denied. IP name possibly forged [198.51.100.1]
//   C: X-CONNECT 2001:db8::1 unknown M       S: 220 …; 550 5.7.1 … [IPv6:2001:db8:0:0:0:0:0:1]
//   C: X-CONNECT 198.51.100.1 unknown        S: 220 …; 550 5.7.1 <…>... Relaying denied
//   C: X-CONNECT 198.51.100.1                S: 220 …; 250 2.1.5 <…>... Recipient ok     the name is still the gate's: localhost
//   C: X-CONNECT IPv6:2001:db8::1 unknown M  S: 220 …; 250 2.1.5 <…>... Recipient ok     not read: the client is the gate
//   C: EHLO me                               S: 220 …, and no reply to EHLO              taken for the line, and not read
//   C: (nothing)                             S: (nothing)

import { createServer, isIPv4, isIPv6, type Socket } from 'node:net'
import { parseAddress } from '@sallyport/rules'
import { type Owner, undoAfter } from './owner.ts'
import { freePort } from './port.ts'

interface XconnectSendmail {
  readonly port: number
  /** Every line that it was sent so far, without its end. */
  readonly lines: readonly string[]
}

/** Starts it without the rule of the recipe by which it relays for nobody: what it refuses, it refuses for the client's address. */
export async function startXconnectSendmail(owner: Owner): Promise<XconnectSendmail> {
  const port = await freePort()
  const lines: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    converse(socket, lines)
  })
  undoAfter(owner, async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return { port, lines }
}

/** Who it takes the client for. */
interface Peer {
  readonly address: string
  readonly name: string
  readonly isForged: boolean
}

const gate: Peer = { address: '127.0.0.1', name: 'localhost', isForged: false }

function converse(socket: Socket, seen: string[]): void {
  let pending = ''
  let peer: Peer | undefined
  socket.setEncoding('latin1').on('data', (text: string) => {
    pending += text
    for (let end = pending.indexOf('\r\n'); end >= 0; end = pending.indexOf('\r\n')) {
      const line = pending.slice(0, end)
      pending = pending.slice(end + 2)
      seen.push(line)
      if (peer === undefined) {
        peer = peerOf(line)
        socket.write('220 mail.example.test ESMTP Sendmail 8.17.1.9/8.17.1.9/Debian-2+deb12u2\r\n')
      } else socket.write(`${replyTo(line, peer)}\r\n`)
    }
  })
}

function peerOf(line: string): Peer {
  const [, address = '', name, mark] = /^X-CONNECT ([\w.:]+)(?: ([\w.-]+)(?: (M))?)?/i.exec(line) ?? []
  if (!isIPv4(address) && !isIPv6(address)) return gate
  return { address, name: name ?? gate.name, isForged: mark !== undefined }
}

function replyTo(line: string, peer: Peer): string {
  const recipient = /^RCPT TO:(.*)/i.exec(line)?.[1]
  if (recipient !== undefined) return replyToRcpt(recipient, peer)
  if (/^EHLO /i.test(line)) return '250-mail.example.test Hello\r\n250-PIPELINING\r\n250 8BITMIME'
  if (/^MAIL /i.test(line)) return '250 2.1.0 Sender ok'
  return /^QUIT/i.test(line) ? '221 2.0.0 closing connection' : '500 5.5.1 Command unrecognized'
}

function replyToRcpt(path: string, { address, name, isForged }: Peer): string {
  const mayRelay = address === gate.address || (name === gate.name && !isForged)
  if (/@example\.test>$/i.test(path) || mayRelay) return `250 2.1.5 ${path}... Recipient ok`
  return `550 5.7.1 ${path}... Relaying denied${isForged ? `. IP name possibly forged [${literal(address)}]` : ''}`
}

/** IPv6 with all its zeros. */
function literal(text: string): string {
  const address = parseAddress(text)
  if (address?.family !== 6) return text
  const groups = address.words.flatMap(word => [word >>> 16, word & 0xffff])
  return `IPv6:${groups.map(group => group.toString(16)).join(':')}`
}
