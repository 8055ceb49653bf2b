import { connect, type Socket } from 'node:net'
import type { Address } from '@sallyport/rules'
import type { Endpoint, Identity } from './config/config.ts'
import { flow } from './flow.ts'
import { encodeV1, encodeV2, encodeV2Local } from './proxy-protocol/encode.ts'
import type { TlsInfo } from './session/arrival.ts'
import type { BackendTls } from './tls/backend-tls.ts'

/** The mail server behind the gate, and how it learns who the client is. */
export interface Backend {
  readonly endpoint: Endpoint
  readonly identity: Identity
}

/** With what a session needs for its TLS. */
export interface SessionBackend extends Backend {
  readonly tls: BackendTls
}

/** Both ends of a client's connection, for the header that tells them to the backend. */
export interface Ends {
  readonly client: Address
  readonly clientPort: number
  readonly server: Address
  readonly serverPort: number
  /** The trusted proxy that has said so; without it they are those of the socket. */
  readonly proxy?: Address
}

export function dial({ endpoint }: Backend): Socket {
  // Half open: what the backend sent before its FIN is read, and a FIN of ours would tell it nothing.
  return connect({ host: endpoint.host, port: endpoint.port, noDelay: true, allowHalfOpen: true, ...flow })
}

/**
 * The header that goes first on the new connection; null: none. It must be one write with nothing behind it until the
 * backend has greeted: Postfix takes it with a single read, and anything that follows for talk before its greeting.
 * `tls`: of the client, which version 2 can tell; null: none.
 */
export function identityHeader(identity: Identity, ends: Ends, tls: TlsInfo | null = null): Buffer | null {
  switch (identity) {
    case 'proxy_v2':
      return encodeV2(ends.client, ends.clientPort, ends.server, ends.serverPort, tls)
    case 'proxy_v1':
      return Buffer.from(encodeV1(ends.client, ends.clientPort, ends.server, ends.serverPort), 'latin1')
    case 'xconnect':
      return Buffer.from(xconnectLine(ends.client), 'latin1')
    case 'xclient':
    case 'none':
      return null
    default:
      return identity satisfies never
  }
}

/**
 * The line that a Sendmail built with _FFR_XCNCT reads before it greets: `X-CONNECT <address> [<name> [M]]`, IPv6 without the tag
 * that SMTP has for it (xconnect() in sendmail/util.c of 8.17.1.9, and tried with that build). The address alone would do for its
 * syntax and make an open relay: the name then stays that of the gate, `localhost`, for which Sendmail relays. So there is always a
 * name, and M, "may be forged": no client is relayed for because of its name. A line that it cannot read is taken without a word,
 * and the client for the gate; it can read every address but 255.255.255.255, which nobody connects from.
 */
function xconnectLine(client: Address): string {
  return `X-CONNECT ${client.text} unknown M\r\n`
}

/** The header for a connection of the gate's own. Version 1 has no LOCAL that Postfix would take, so it names the socket. */
export function ownHeader(identity: Identity, ends: Ends): Buffer | null {
  return identity === 'proxy_v2' ? encodeV2Local() : identityHeader(identity, ends)
}
