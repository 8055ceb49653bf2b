import { connect } from 'node:net'

/** A PROXY v2 header for a client on IPv4 (PROXY protocol 2.9, section 2.2): STREAM over INET, no TLVs. */
export function proxyV2(client: string, clientPort: number, destinationPort: number): Buffer {
  const header = Buffer.alloc(28)
  header.write('0d0a0d0a000d0a515549540a21110000', 'hex')
  header.writeUInt16BE(12, 14)
  header.set(client.split('.').map(Number), 16)
  header.set([127, 0, 0, 1], 20)
  header.writeUInt16BE(clientPort, 24)
  header.writeUInt16BE(destinationPort, 26)
  return header
}

/**
 * Connects to 127.0.0.1, writes `opening`, awaits the greeting, then writes each of `says` after the reply to the one before.
 * Gives the replies, the greeting first, a reply of several lines as one string; ends early when the server closes or resets.
 * A silence of 10 s throws.
 */
export async function dialogue(port: number, opening: Buffer, says: readonly string[]): Promise<string[]> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.setEncoding('latin1')
  socket.setTimeout(10_000, () => socket.destroy(new Error('the server was silent for 10 s')))
  socket.write(opening)
  const replies: string[] = []
  let unread = ''
  try {
    for await (const chunk of socket as AsyncIterable<string>) {
      unread += chunk
      for (let end = endOfReply(unread); end > 0; end = endOfReply(unread)) {
        replies.push(unread.slice(0, end).trimEnd())
        unread = unread.slice(end)
        const next = says[replies.length - 1]
        if (next === undefined) socket.end()
        else socket.write(next, 'latin1')
      }
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ECONNRESET')) throw error
  }
  return replies
}

/** Where the first whole reply ends, or 0: its last line has a space after the code (RFC 5321, 4.2.1). */
function endOfReply(text: string): number {
  const last = /^\d{3}(?: [^\n]*)?\r?\n/m.exec(text)
  return last === null ? 0 : last.index + last[0].length
}
