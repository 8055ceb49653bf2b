import type { Socket } from 'node:net'
import type { Connection } from './connection.ts'

/**
 * Octets that wait to be sent from which a socket is full, until it is empty again. Not what Node has: that is four times as much
 * from Node 22 on, and a session's memory is counted by it. A paused socket still takes one read more, of at most 64 KiB.
 */
export const flow = { highWaterMark: 16_384 } as const

/**
 * Backpressure, both ways: who cannot send on does not read, nor is a client read from that does not take its replies. A paused
 * socket still takes one read more; so where octets are spliced both sides wait if either does, or four reads were held.
 * Elsewhere a backend has one reply to give, and is heard at once if it gives more.
 */
export function regulate({ client, backend, session, securing }: Connection): void {
  // Until TLS is in its place the client is not read from in the clear.
  if (session === null || securing === 'client') return
  const isHeld = client.writableNeedDrain || backend?.writableNeedDrain === true
  hold(client, isHeld || !session.wantsMore)
  if (backend !== null) hold(backend, isHeld && session.spliced)
}

function hold(socket: Socket, isHeld: boolean): void {
  if (isHeld === socket.isPaused()) return
  if (isHeld) socket.pause()
  else socket.resume()
}
