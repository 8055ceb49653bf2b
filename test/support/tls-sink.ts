// A backend that knows STARTTLS: what it says can be given word by word, and what comes behind the handshake is counted apart.

import { createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Certificate } from './certificate.ts'
import { type Owner, undoAfter } from './owner.ts'

interface TlsSink {
  readonly port: number
  /** The commands of all connections, those inside TLS with `tls ` before them. */
  readonly commands: string[]
}

interface TlsSinkScript {
  readonly certificate: Certificate
  /** Its answer to STARTTLS, CR LF included; not 220: there is no handshake. */
  readonly answer?: string
  /** Whether the 220 is followed by a handshake at all. */
  readonly silent?: boolean
  /** Its answer to EHLO inside TLS. */
  readonly hello?: string
}

export async function startTlsSink(owner: Owner, script: TlsSinkScript): Promise<TlsSink> {
  const commands: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.write('220 mail.example.test ESMTP\r\n')
    converse(socket, '', commands, script)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  undoAfter(owner, () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  return { port: typeof address === 'object' && address !== null ? address.port : 0, commands }
}

function converse(socket: Socket, mark: string, commands: string[], script: TlsSinkScript): void {
  let pending = ''
  const hear = (octets: Buffer) => {
    pending += octets.toString('latin1')
    for (let end = pending.indexOf('\r\n'); end >= 0; end = pending.indexOf('\r\n')) {
      const line = pending.slice(0, end)
      pending = pending.slice(end + 2)
      commands.push(`${mark}${line}`)
      if (line === 'STARTTLS') {
        const answer = script.answer ?? '220 2.0.0 Ready to start TLS\r\n'
        socket.write(answer)
        if (script.silent === true || !answer.startsWith('220')) continue
        socket.off('data', hear)
        secure(socket, commands, script)
        return
      }
      const offer =
        mark === ''
          ? '250-mail.example.test\r\n250-STARTTLS\r\n250 SIZE\r\n'
          : (script.hello ?? '250-mail.example.test\r\n250 DSN\r\n')
      socket.write(line.startsWith('EHLO') ? offer : '250 2.0.0 Ok\r\n')
    }
  }
  socket.on('data', hear)
}

function secure(socket: Socket, commands: string[], script: TlsSinkScript): void {
  const { cert, key } = script.certificate
  const secured = new TLSSocket(socket, { isServer: true, cert, key })
  secured.on('error', () => {})
  converse(secured, 'tls ', commands, script)
}
