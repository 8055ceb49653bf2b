import type { Socket } from 'node:net'
import { parseAddress } from '@sallyport/rules'
import type { Ends } from './backend.ts'
import type { Connection } from './connection.ts'

/**
 * Octets that wait to be sent from which a socket is full, until it is empty again. Not what Node has: that is four times as much
 * from Node 22 on, and a session's memory is counted by it. A paused socket still takes one read more, of at most 64 KiB.
 */
export const flow = { highWaterMark: 16_384 } as const

/** The connection hangs on its sockets by this, so that listeners are shared functions and not closures. */
const link: unique symbol = Symbol('connection')

interface Linked extends Socket {
  [link]: Connection | null
}

/** The connection that a socket belongs to; null: none any more. */
export const connectionOf = (socket: Socket): Connection | null => (socket as Linked)[link]

export function tie(socket: Socket, connection: Connection): void {
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
const withoutZone = (text = ''): string => text.split('%', 1)[0] ?? ''

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
  connection.abandon()
  connection.drive(() => connection.session?.backendGone(why, connection.gate.clock()))
}

/** Either side has taken what was waiting: the other may be read from again. */
export function onDrain(this: Socket): void {
  connectionOf(this)?.drive(nothing)
}

const nothing = () => {}
