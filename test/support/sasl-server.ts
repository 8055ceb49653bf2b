// Passwords for a private Postfix: a server of the authentication protocol that Dovecot has and Postfix speaks
// (`smtpd_sasl_type = dovecot`), with the mechanisms PLAIN and LOGIN.
//
// Lines of fields between tabs. The server says what it can; the client then asks `AUTH id mechanism … resp=base64`, is told
// `CONT id base64` as long as more is wanted, and `OK id user=…` or `FAIL id user=… reason=…` at the end.

import { chmod } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { type Owner, undoAfter } from './owner.ts'

/** Listens at this path, for everybody on this machine; `passwords` by user. Gone when its owner ends. */
export async function startSaslServer(
  owner: Owner,
  path: string,
  passwords: Readonly<Record<string, string>>,
): Promise<void> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    serve(socket, passwords)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  await chmod(path, 0o666)
  undoAfter(owner, async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
}

const greeting = ['VERSION\t1\t1', 'MECH\tPLAIN\tplaintext', 'MECH\tLOGIN\tplaintext', 'SPID\t1', 'CUID\t1', 'DONE']

function serve(socket: Socket, passwords: Readonly<Record<string, string>>): void {
  const exchanges = new Map<string, (response: string) => string>()
  let pending = ''
  socket.write(`${greeting.join('\n')}\n`)
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    pending += text
    for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
      const fields = pending.slice(0, end).split('\t')
      pending = pending.slice(end + 1)
      const [verb, id = '', third = ''] = fields
      if (verb === 'AUTH') {
        exchanges.set(id, third === 'LOGIN' ? login(id, passwords) : plain(id, passwords))
        const first = fields.find(field => field.startsWith('resp='))
        const answer = first === undefined ? undefined : exchanges.get(id)?.(decoded(first.slice(5)))
        socket.write(answer ?? `CONT\t${id}\t${third === 'LOGIN' ? encoded('Username:') : ''}\n`)
      } else if (verb === 'CONT') {
        socket.write(exchanges.get(id)?.(decoded(third)) ?? `FAIL\t${id}\n`)
      } else if (verb === 'CANCEL') exchanges.delete(id)
    }
  })
}

const decoded = (text: string) => Buffer.from(text, 'base64').toString('utf8')
const encoded = (text: string) => Buffer.from(text).toString('base64')

function verdict(id: string, user: string, isRight: boolean): string {
  return isRight ? `OK\t${id}\tuser=${user}\n` : `FAIL\t${id}\tuser=${user}\n`
}

/** RFC 4616: an identity to act for, the user, the password, with NULs between. */
function plain(id: string, passwords: Readonly<Record<string, string>>): (response: string) => string {
  return response => {
    const [, user = '', password] = response.split('\0')
    return verdict(id, user, passwords[user] !== undefined && passwords[user] === password)
  }
}

/** The user, then the password, each asked for by name. */
function login(id: string, passwords: Readonly<Record<string, string>>): (response: string) => string {
  let user: string | undefined
  return response => {
    if (user === undefined) {
      user = response
      return `CONT\t${id}\t${encoded('Password:')}\n`
    }
    return verdict(id, user, passwords[user] !== undefined && passwords[user] === response)
  }
}
