import type { Socket } from 'node:net'
import type { Connection } from './connection.ts'

/**
 * Of every socket, in both directions. A paused socket still takes one read more, of at most 64 KiB, and no further: with Node's own
 * mark it goes on up to that, and a peer that says an octet at a time makes a buffer of each, two hundred times its size.
 * In the other direction it has no part, but that 'drain' comes behind every write: see `isBehind`.
 */
export const flow = { highWaterMark: 1 } as const

/** Octets wait that the kernel, or TLS, has not taken yet. By pieces, not by octets: small ones cost more than they hold. */
export const isBehind = (socket: Socket): boolean => socket.writableLength > 0

/**
 * Backpressure, both ways: who cannot send on does not read, nor is a client read from that does not take its replies. A paused
 * socket still takes one read more; so where octets are spliced both sides wait if either does, or four reads were held.
 * Elsewhere a backend has one reply to give, and is heard at once if it gives more.
 */
export function regulate({ client, backend, session, securing }: Connection): void {
  // Until TLS is in its place the client is not read from in the clear.
  if (session === null || securing === 'client') return
  const waits = isBehind(client) || (backend !== null && isBehind(backend))
  pauseIf(waits || !session.wantsMore, client)
  if (backend !== null) pauseIf(waits && session.spliced, backend)
}

/** Somebody waits until a socket has taken what it was given. */
export function isPaused({ client, backend, session }: Connection): boolean {
  return session?.isStalled === true || client.isPaused() || backend?.isPaused() === true
}

function pauseIf(waits: boolean, socket: Socket): void {
  if (waits === socket.isPaused()) return
  if (waits) socket.pause()
  else socket.resume()
}
