import { createServer, type Server, type Socket } from 'node:net'
import type { Endpoint, ListenMode } from './config/config.ts'
import { Connection } from './connection.ts'
import { flow } from './flow.ts'
import type { Gate } from './gate.ts'
import { ProxyHeaderReader } from './proxy-protocol/decode.ts'
import { receive, turnAway } from './reception.ts'
import { attendClient, connectionOf, endsOf } from './sockets.ts'

/** Connections the kernel may hold until they are accepted. */
const backlog = 1024

/** systemd passes sockets from this descriptor on (sd_listen_fds(3)). */
const firstInherited = 3

/** An address, which other processes may share, or a socket that systemd has opened. */
type ListenAddress = (Endpoint & { readonly reusePort: boolean }) | { readonly fd: number }

/** Takes connections there. */
export async function listen(gate: Gate, where: ListenAddress, mode: ListenMode): Promise<Server> {
  // Half open: a client may close its side behind its last command and still read our reply.
  const server = createServer({ allowHalfOpen: true, noDelay: true, ...flow }, socket => accept(gate, socket, mode))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const options = 'fd' in where ? where : { host: where.host, port: where.port, reusePort: where.reusePort }
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

function accept(gate: Gate, socket: Socket, mode: ListenMode): void {
  const ends = endsOf(socket)
  if (ends === null) {
    // It has gone again before it was looked at.
    socket.destroy()
    return
  }
  const trusted = gate.isTrustedProxy(ends.client)
  const connection = new Connection(gate, socket, ends, mode, trusted ? new ProxyHeaderReader() : null)
  gate.connections.add(connection)
  gate.census.enter()
  attendClient(socket, connection)
  socket.on('data', onData)
  if (gate.census.open > gate.config.limits.connections) turnAway(connection, 'limit')
  else if (trusted) gate.wheel.schedule(connection, gate.clock() + gate.config.timeouts.proxyHeader)
  else receive(connection, ends, false, null)
}

function onData(this: Socket, octets: Buffer): void {
  const connection = connectionOf(this)
  if (connection === null) return
  // It waits for its last word, and what it has to say is for nobody.
  if (connection.farewell !== null) connection.client.pause()
  else if (connection.header === null || connection.session !== null) connection.receive(octets)
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
      return turnAway(connection, 'proxy_header')
    case 'header': {
      const local = reading.header.kind === 'local'
      gate.metrics.proxyHeaders.inc({ result: local ? 'local' : `v${reading.header.version}` })
      const early = reading.rest.length > 0 ? reading.rest : null
      receive(
        connection,
        reading.header.kind === 'local' ? ends : { ...reading.header, proxy: ends.client },
        local,
        early,
      )
      return
    }
    default:
      reading satisfies never
  }
}
