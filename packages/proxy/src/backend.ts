import { connect, type Socket } from 'node:net'
import type { Address } from '@sallyport/rules'
import type { Endpoint, Identity } from './config/config.ts'
import { encodeV1, encodeV2, encodeV2Local } from './proxy-protocol/encode.ts'
import { flow } from './sockets.ts'

/** The mail server behind the gate, and how it learns who the client is. */
export interface Backend {
  readonly endpoint: Endpoint
  readonly identity: Identity
}

/** Both ends of a client's connection, for the header that tells them to the backend. */
export interface Ends {
  readonly client: Address
  readonly clientPort: number
  readonly server: Address
  readonly serverPort: number
}

export function dial({ endpoint }: Backend): Socket {
  // Half open: what the backend sent before its FIN is read, and a FIN of ours would tell it nothing.
  return connect({ host: endpoint.host, port: endpoint.port, noDelay: true, allowHalfOpen: true, ...flow })
}

/**
 * The header that goes first on the new connection; null: none. It must be one write with nothing behind it until the
 * backend has greeted: Postfix takes it with a single read, and anything that follows for talk before its greeting.
 */
export function identityHeader(identity: Identity, ends: Ends): Buffer | null {
  switch (identity) {
    case 'proxy_v2':
      return encodeV2(ends.client, ends.clientPort, ends.server, ends.serverPort)
    case 'proxy_v1':
      return Buffer.from(encodeV1(ends.client, ends.clientPort, ends.server, ends.serverPort), 'latin1')
    case 'xclient':
    case 'none':
      return null
    default:
      return identity satisfies never
  }
}

/** The header for a connection of the gate's own. Version 1 has no LOCAL that Postfix would take, so it names the socket. */
export function ownHeader(identity: Identity, ends: Ends): Buffer | null {
  return identity === 'proxy_v2' ? encodeV2Local() : identityHeader(identity, ends)
}
