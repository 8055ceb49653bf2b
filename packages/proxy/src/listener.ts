import { createServer, type Server, type Socket } from 'node:net'
import type { Endpoint } from './config/config.ts'
import { Connection } from './connection.ts'
import type { Gate } from './gate.ts'
import { ProxyHeaderReader } from './proxy-protocol/decode.ts'
import { connectionOf, endsOf, flow, onDrain, tie, untie } from './sockets.ts'

/** Connections the kernel may hold until they are accepted. */
const backlog = 1024

/** systemd passes sockets from this descriptor on (sd_listen_fds(3)). */
const firstInherited = 3

/** Takes connections on an address, or on a socket that systemd has opened. */
export async function listen(gate: Gate, where: Endpoint | { readonly fd: number }): Promise<Server> {
  // Half open: a client may close its side behind its last command and still read our reply.
  const server = createServer({ allowHalfOpen: true, noDelay: true, ...flow }, socket => accept(gate, socket))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const options = 'fd' in where ? where : { host: where.host, port: where.port }
    server.listen({ ...options, backlog }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  // EMFILE and the like: the connection is lost, the listener is not.
  server.on('error', error => gate.log.error({ event: 'accept', error: error.message }, 'accept failed'))
  return server
}

/** The descriptors that systemd has opened for this process. */
export function inheritedSockets(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): { fd: number }[] {
  if (Number(environment['LISTEN_PID']) !== pid) return []
  const count = Number(environment['LISTEN_FDS'])
  if (!Number.isInteger(count) || count < 1 || count > 64) return []
  return Array.from({ length: count }, (_, i) => ({ fd: firstInherited + i }))
}

function accept(gate: Gate, socket: Socket): void {
  const ends = endsOf(socket)
  if (ends === null) {
    // It has gone again before it was looked at.
    socket.destroy()
    return
  }
  const trusted = gate.isTrustedProxy(ends.client)
  const connection = new Connection(gate, socket, ends, trusted ? new ProxyHeaderReader() : null)
  tie(socket, connection)
  gate.connections.add(connection)
  gate.census.enter()
  socket.on('data', onData)
  socket.on('end', onEnd)
  socket.on('error', onError)
  socket.on('close', onClose)
  socket.on('drain', onDrain)
  if (gate.census.open > gate.config.limits.connections) connection.turnAway('limit')
  else if (trusted) gate.wheel.schedule(connection, gate.clock() + gate.config.timeouts.proxyHeader)
  else connection.begin(ends, false)
}

function onData(this: Socket, octets: Buffer): void {
  const connection = connectionOf(this)
  if (connection === null) return
  if (connection.header === null || connection.session !== null) connection.receive(octets)
  else readHeader(connection, connection.header, octets)
}

/** A trusted proxy says who the client is; it is believed, and nobody else. */
function readHeader(connection: Connection, header: ProxyHeaderReader, octets: Buffer): void {
  const { gate, ends } = connection
  const reading = header.read(octets)
  switch (reading.kind) {
    case 'more':
      return
    case 'malformed':
      gate.metrics.proxyHeaders.inc({ result: 'malformed' })
      gate.log.warn(
        { event: 'proxy_header', proxy: ends.client.text, why: reading.why },
        'no PROXY header from a trusted proxy',
      )
      return connection.turnAway('proxy_header')
    case 'header': {
      const local = reading.header.kind === 'local'
      gate.metrics.proxyHeaders.inc({ result: local ? 'local' : `v${reading.header.version}` })
      connection.begin(reading.header.kind === 'local' ? ends : reading.header, local)
      if (reading.rest.length > 0) connection.receive(reading.rest)
      return
    }
    default:
      reading satisfies never
  }
}

function onEnd(this: Socket): void {
  const connection = connectionOf(this)
  if (connection === null) return
  const { session } = connection
  // Without a session it was a balancer that only looked whether the port is open.
  if (session === null || session.isDone) this.end()
  else connection.drive(() => session.end(connection.gate.clock()))
}

function onError(): void {
  // ECONNRESET and the like; 'close' follows and ends the session.
}

function onClose(this: Socket): void {
  const connection = connectionOf(this)
  if (connection === null) return
  untie(this)
  connection.gone()
}
