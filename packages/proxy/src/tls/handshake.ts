import { type TLSSocket as Secured, TLSSocket } from 'node:tls'
import type { Connection } from '../connection.ts'
import { flow } from '../flow.ts'
import type { TlsInfo } from '../session/arrival.ts'
import { attendBackend, attendClient, connectionOf, untie } from '../sockets.ts'
import { type BackendTls, beginTls } from './backend-tls.ts'

/**
 * Puts TLS, as the server, in the place of a connection's client. Whatever the old socket has read and nobody has taken is read
 * as TLS by node:tls, and what comes from now on as well: octets that were sent in the clear can make the handshake fail, and
 * nothing else (CVE-2011-0411). False: the client has gone, or there is no certificate.
 */
export function secureClient(connection: Connection): boolean {
  const raw = connection.client
  const { certificates } = connection.gate
  const { usual } = certificates
  if (usual === null || raw.destroyed) return false
  untie(raw)
  // Else what it still holds would go to listeners, which are nobody's now.
  raw.pause()
  const socket = new TLSSocket(raw, {
    isServer: true,
    secureContext: usual,
    SNICallback: certificates.answerName,
    ...flow,
  })
  connection.client = socket
  connection.securing = 'client'
  attendClient(socket, connection)
  socket.on('data', onClientData)
  socket.on('secure', onClientSecure)
  return true
}

/** Puts TLS, as the client, in the place of a connection's backend; what it said before can only make the handshake fail. */
export function secureBackend(connection: Connection, tls: BackendTls): void {
  const raw = connection.backend
  if (raw === null || raw.destroyed) return
  untie(raw)
  raw.pause()
  const socket = beginTls(raw, tls)
  connection.backend = socket
  connection.securing = 'backend'
  attendBackend(socket, connection)
  socket.on('secureConnect', onBackendSecure)
}

/** What a handshake came to. The name comes from the wire: what is not printable ASCII without blanks counts for none. */
function infoOf(socket: Secured): TlsInfo {
  const { servername } = socket as { readonly servername?: unknown }
  const isText = typeof servername === 'string' && /^[\x21-\x7e]{1,255}$/.test(servername)
  return {
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().name,
    serverName: isText ? servername : null,
  }
}

function onClientSecure(this: Secured): void {
  const connection = connectionOf(this)
  if (connection === null) return
  const { session, gate } = connection
  succeeded(connection, 'client')
  if (session === null) connection.start(infoOf(this))
  else connection.drive(() => session.secured(infoOf(this), gate.clock()))
}

function onClientData(this: Secured, octets: Buffer): void {
  const connection = connectionOf(this)
  // As in listener.ts: it waits for its last word, and what it has to say is for nobody.
  if (connection !== null && connection.farewell !== null) connection.client.pause()
  else connection?.receive(octets)
}

function onBackendSecure(this: Secured): void {
  const connection = connectionOf(this)
  if (connection === null) return
  succeeded(connection, 'backend')
  connection.drive(() => connection.session?.backendSecured(connection.gate.clock()))
}

function succeeded(connection: Connection, side: 'client' | 'backend'): void {
  connection.securing = null
  connection.gate.metrics.tlsHandshakes.inc({ side, result: 'ok' })
}

/**
 * There is no TLS with the side with which it was being agreed on; nothing happens where it was with none. A client to whom TLS
 * was promised can be told nothing: its connection is closed.
 */
export function handshakeFailed(connection: Connection, why: string, result: 'failed' | 'timeout' = 'failed'): void {
  const { gate, securing: side, ends } = connection
  if (side === null) return
  connection.securing = null
  gate.metrics.tlsHandshakes.inc({ side, result })
  if (side === 'backend') {
    connection.tlsFailed = true
    return
  }
  connection.client.destroy()
  if (connection.session !== null || connection.health) return
  const where = { event: 'tls_handshake', client: ends.client.text, port: ends.clientPort, why }
  gate.log.info(where, 'no TLS handshake')
}
