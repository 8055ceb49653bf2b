import type { Address } from '@sallyport/rules'

/** The twelve octets with which a version 2 header begins. */
export const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

/** The longest version 1 line, its CR LF included (2.1 of the specification). */
export const longestLine = 107

/** The octets of a version 2 header before the addresses: the signature, the command, the family and the length. */
export const fixedPart = 16

/**
 * Who speaks through a proxy (the PROXY protocol, https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt).
 *  - `proxied`: the client as the proxy sees it, and the address and port that it connected to;
 *  - `local`: the proxy speaks for itself (LOCAL, most often a health check) or cannot name the client as an internet address
 *    (UNKNOWN, AF_UNSPEC, AF_UNIX): the addresses of the socket hold.
 */
export type ProxyHeader =
  | {
      readonly kind: 'proxied'
      readonly version: 1 | 2
      readonly client: Address
      readonly clientPort: number
      readonly server: Address
      readonly serverPort: number
    }
  | { readonly kind: 'local'; readonly version: 1 | 2 }
