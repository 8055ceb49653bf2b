import type { Connection } from './connection.ts'
import { isBehind } from './flow.ts'

/** How long, and how much, is read from a client after our last word, so that it can read it: a close with unread input is a RST. */
const bounds = { wait: 2_000, octets: 262_144 } as const

/** Our last word has been said, and the client is to read it: our side ends, and what it still says is read until its side does. */
export function linger(connection: Connection): void {
  const { client, session, gate } = connection
  connection.lingered = 0
  // What waits is no TLS, and nothing can be said before that stands.
  if (connection.securing === 'client') return void client.destroy()
  // What came behind QUIT has been read, but in TLS, or where the client is paused: to wait for its end would cost a turn, and its reset an error.
  const hasQuit = session?.journal.ending === 'quit' && session.tls === null && !client.isPaused()
  if (hasQuit && !isBehind(client)) return void client.destroy()
  client.end()
  client.resume()
  gate.wheel.schedule(connection, gate.clock() + bounds.wait)
}

/** What a client says behind our last word is for nobody. */
export function hearOut(connection: Connection, octets: Buffer): void {
  connection.lingered += octets.length
  if (connection.lingered > bounds.octets) connection.client.destroy()
}
