import { clientKey, networkKey, never } from '@sallyport/rules'
import type { Ends } from './backend.ts'
import { type Caps, capsNow, type Excess, excessOf } from './census.ts'
import type { ListenMode } from './config/config.ts'
import type { Connection } from './connection.ts'
import type { Arrival, Starttls, TlsInfo } from './session/arrival.ts'
import { undo } from './session/phases/done.ts'
import { replies } from './session/replies.ts'
import { secureClient } from './tls/handshake.ts'

/** Connections without a session that may wait for their client to read why; above that they are closed under its hands. */
const mostTurnedAway = 1_000

/**
 * The client is known: its session begins, or before that the handshake of its TLS. `health`: it is a balancer's probe;
 * `early`: what of its octets has been read.
 */
export function receive(connection: Connection, ends: Ends, health: boolean, early: Buffer | null): void {
  const { gate, client } = connection
  connection.ends = ends
  connection.header = null
  connection.backends = gate.backends
  connection.health = health || gate.isHealthCheck(ends.client)
  if (!connection.health) {
    connection.key = clientKey(ends.client)
    gate.metrics.connections++
    // Before the handshake, which is the dearest that a client can ask for.
    const crowd = gate.census.name(connection.key, ends.client)
    const { limits, load } = gate.config
    const caps = capsNow(limits, gate.load.shed > 0 ? load : null)
    const excess = excessOf(crowd, caps)
    const access = gate.access.check(ends.client)
    if (excess !== null && access !== 'allow') return turnAway(connection, excess)
    // Before anything else is asked, so that the answer comes no later; of who is on a list nothing is asked.
    if (access === 'none') enterAll(connection, caps)
  }
  if (connection.mode !== 'implicit') {
    connection.start(null)
    if (early !== null) connection.receive(early)
    return
  }
  client.pause()
  if (early !== null) client.unshift(early)
  if (!secureClient(connection)) return void client.destroy()
  gate.wheel.schedule(connection, gate.clock() + gate.config.timeouts.tlsHandshake)
}

/**
 * Asks for a place among the connections of all gates. Who is one too many is turned away when that is known; nobody is greeted before (inquiry.ts), unless the
 * store is late. What is known of who comes often is known here (hot-recalls.ts), and one too many would be greeted by that.
 */
function enterAll(connection: Connection, caps: Caps): void {
  const { gate, key, ends } = connection
  if (key === null) return
  const visitor = { client: key, network: networkKey(ends.client) }
  const asked = gate.store.enter(visitor, caps)
  if (asked === null) return
  const answered = asked.then(excess => {
    connection.entering = null
    if (connection.key !== null) {
      if (excess === null) connection.entered = true
      else exceeds(connection, excess)
    } else if (excess === null) gate.store.leave(visitor)
  })
  connection.entering = gate.store.spare(visitor.network, answered)
}

/**
 * Over all gates there are too many. As a rule the client has heard nothing yet, and is turned away like one that is too many here. Who was quicker hears why its
 * session ends; once the backend is being opened it goes on, and is counted here alone.
 */
function exceeds(connection: Connection, excess: Excess): void {
  const { gate, session } = connection
  if (session === null) return turnAway(connection, excess)
  const { journal, arrival } = session
  if (session.isDone || journal.openedAt !== never) return
  if (!journal.teased && journal.greetedAt === never) {
    undo(session)
    connection.session = null
    return turnAway(connection, excess)
  }
  tellTurnedAway(connection, arrival.id, excess)
  const words = replies.tooManyConnections(gate.house.hostname, arrival.id)
  connection.drive(() => session.conclude('limit', gate.clock(), journal.refusal(words)))
}

function tellTurnedAway({ gate, ends }: Connection, id: string, reason: string): void {
  gate.metrics.connectionsRefused.inc({ reason })
  const where = { event: 'turned_away', id, client: ends.client.text, port: ends.clientPort, reason }
  gate.log.info(where, `turned away: ${reason}`)
}

/** It takes no place any more among those that are counted. */
export function uncount(connection: Connection): void {
  const { gate, key, ends } = connection
  if (key !== null) {
    gate.census.unname(key, ends.client)
    if (connection.entered) gate.store.leave({ client: key, network: networkKey(ends.client) })
  }
  connection.key = null
  if (connection.counted) gate.census.leave()
  connection.counted = false
}

/**
 * A connection that gets no session: one line to the client and one in the log, and a close. A client that hammers waits for its line:
 * it would be back before the connection is forgotten (smtpf: `concurrent-421-delay`, 15 s).
 */
export function turnAway(connection: Connection, reason: 'limit' | Excess | 'proxy_header'): void {
  if (connection.isClosing) return
  if (connection.farewell !== null) return sayFarewell(connection)
  const { gate } = connection
  const { hostname } = gate.house
  const id = gate.ids.next(Date.now() / 1000)
  // A header that comes after this must not begin a session.
  connection.header = null
  tellTurnedAway(connection, id, reason)
  // Whoever waits for TLS would not understand.
  const isHis = reason === 'per_client' || reason === 'per_network'
  const words = isHis ? replies.tooManyConnections(hostname, id) : replies.noService(hostname, id)
  connection.farewell = connection.mode === 'implicit' ? '' : words
  // Whoever is turned away takes nobody's place: else one client, turned away again and again, would keep all others out.
  uncount(connection)
  // A handshake that ends meanwhile would begin a session.
  const waits = (isHis || reason === 'limit') && connection.securing === null
  const wait = waits ? waitOf(connection) : 0
  if (wait > 0) gate.wheel.schedule(connection, gate.clock() + wait)
  else sayFarewell(connection)
}

/** How long the client waits for its last word, ms. */
function waitOf({ gate, ends }: Connection): number {
  const isFriend =
    gate.isTrustedProxy(ends.client) || gate.isHealthCheck(ends.client) || gate.access.check(ends.client) === 'allow'
  return isFriend || gate.connections.size - gate.census.open > mostTurnedAway ? 0 : gate.config.turnedAway
}

/** What a client that is turned away waits for. */
export function sayFarewell(connection: Connection): void {
  const { gate, farewell } = connection
  connection.farewell = null
  if (farewell !== null) connection.send(farewell)
  connection.close()
  if (gate.connections.size - gate.census.open > mostTurnedAway) connection.client.destroySoon()
}

/** What is known of a client when its session begins. `tls`: what it came with; null: it is in the clear. */
export function arrivalOf({ gate, ends, health, mode }: Connection, tls: TlsInfo | null): Arrival {
  const proxy = ends.proxy?.text ?? null
  return {
    id: gate.ids.next(Date.now() / 1000),
    client: ends.client,
    clientPort: ends.clientPort,
    proxy,
    server: ends.server,
    access: gate.access.check(ends.client),
    dice: Math.random(),
    greetWait: gate.greetWait(ends.client),
    disarmed: gate.checks.breakers.disarmedFor(proxy, gate.clock()),
    health,
    starttls: starttlsOf(mode),
    tls,
  }
}

/** Whose STARTTLS it is on a port of this mode. */
export function starttlsOf(mode: ListenMode): Starttls {
  switch (mode) {
    case 'off':
    case 'implicit':
      return 'off'
    case 'starttls':
      return 'offered'
    case 'required':
    case 'pass_through':
      return mode
    default:
      return mode satisfies never
  }
}
