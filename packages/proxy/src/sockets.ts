import type { Socket } from 'node:net'
import { parseAddress } from '@sallyport/rules'
import type { Ends } from './backend.ts'
import type { Connection } from './connection.ts'
import { isPaused } from './flow.ts'
import { handshakeFailed } from './tls/handshake.ts'

/** The connection hangs on its sockets by this, so that listeners are shared functions and not closures. */
const link: unique symbol = Symbol('connection')

interface Linked extends Socket {
  [link]: Connection | null
}

/** The connection that a socket belongs to; null: none any more. */
export const connectionOf = (socket: Socket): Connection | null => (socket as Linked)[link]

function tie(socket: Socket, connection: Connection): void {
  ;(socket as Linked)[link] = connection
}

export function untie(socket: Socket): void {
  ;(socket as Linked)[link] = null
}

/** Both ends of a connection; null: it has gone again before it was looked at. */
export function endsOf(socket: Socket): Ends | null {
  const client = parseAddress(withoutZone(socket.remoteAddress))
  const server = parseAddress(withoutZone(socket.localAddress))
  if (client === null || server === null) return null
  return { client, clientPort: socket.remotePort ?? 0, server, serverPort: socket.localPort ?? 0 }
}

/** Link-local addresses come with the interface behind them (`fe80::1%eth0`), which is none of the address. */
const withoutZone = (text = ''): string => (text.includes('%') ? (text.split('%', 1)[0] ?? '') : text)

/** Hears a client's socket for a connection, but for its octets. */
export function attendClient(socket: Socket, connection: Connection): void {
  tie(socket, connection)
  socket.on('end', onClientEnd)
  socket.on('error', onClientError)
  socket.on('close', onClientClose)
  socket.on('drain', onDrain)
}

function onClientEnd(this: Socket): void {
  const connection = connectionOf(this)
  if (connection === null) return
  const { session } = connection
  if (connection.securing === 'client') return handshakeFailed(connection, 'the client closed')
  // Without a session it was a balancer that only looked whether the port is open.
  if (session !== null && !session.isDone) connection.drive(() => session.end(connection.gate.clock()))
  // A second end is no fault, but Node makes an error of it, with its stack, for nobody.
  else if (!this.writableEnded) this.end()
}

/** ECONNRESET and the like, or what is no TLS; 'close' follows and ends the session. */
function onClientError(this: Socket, error: NodeJS.ErrnoException): void {
  const connection = connectionOf(this)
  if (connection?.securing === 'client') handshakeFailed(connection, error.code ?? 'connection failed')
}

function onClientClose(this: Socket): void {
  const connection = connectionOf(this)
  if (connection === null) return
  untie(this)
  if (connection.securing === 'client') handshakeFailed(connection, 'the client closed')
  connection.gone()
}

/** Hears a backend's socket for a connection. */
export function attendBackend(socket: Socket, connection: Connection): void {
  tie(socket, connection)
  socket.on('connect', onConnect)
  socket.on('data', onData)
  socket.on('end', onEnd)
  socket.on('error', onError)
  socket.on('close', onEnd)
  socket.on('drain', onDrain)
}

function onConnect(this: Socket): void {
  connectionOf(this)?.opened(this)
}

function onData(this: Socket, octets: Buffer): void {
  const connection = connectionOf(this)
  if (connection === null) return
  connection.drive(() => connection.session?.backend(octets, connection.gate.clock()))
}

function onEnd(this: Socket): void {
  gone(this, 'connection closed')
}

function onError(this: Socket, error: NodeJS.ErrnoException): void {
  gone(this, error.code ?? 'connection failed')
}

function gone(socket: Socket, why: string): void {
  const connection = connectionOf(socket)
  if (connection === null) return
  if (connection.securing === 'backend') handshakeFailed(connection, why)
  connection.abandon()
  connection.drive(() => connection.session?.backendGone(why, connection.gate.clock()))
}

/** Either side has taken what was waiting: the other may be read from again. It comes behind every write, and as a rule nobody waits. */
function onDrain(this: Socket): void {
  const connection = connectionOf(this)
  if (connection !== null && isPaused(connection)) connection.drive(nothing)
}

const nothing = () => {}
