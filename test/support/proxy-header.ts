// The PROXY header as a backend reads it (HAProxy's proxy-protocol.txt, versions 1 and 2), written apart from the one that the gate
// uses, so that the two cannot be wrong together.

import { isIPv4 } from 'node:net'

export interface ProxyHeader {
  readonly version: 1 | 2
  /** `LOCAL` (and version 1's `UNKNOWN`): the connection is the proxy's own, and there are no addresses. */
  readonly command: 'PROXY' | 'LOCAL'
  readonly source?: Endpoint
  readonly destination?: Endpoint
  /** Type-length-values after the addresses, as they came. */
  readonly rest: Buffer
  /** The whole header. */
  readonly raw: Buffer
}

interface Endpoint {
  readonly address: string
  readonly port: number
}

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const longestV1 = 107

/** The header at the beginning of `octets`; undefined when more octets are needed. Throws when there can be none. */
export function readProxyHeader(octets: Buffer): ProxyHeader | undefined {
  const start = octets.subarray(0, signature.length)
  if (start.equals(signature.subarray(0, start.length))) return readV2(octets)
  return readV1(octets)
}

function readV1(octets: Buffer): ProxyHeader | undefined {
  const end = octets.indexOf('\r\n')
  if (end < 0 && octets.length < longestV1) return undefined
  const raw = octets.subarray(0, end + 2)
  const [keyword, family, source = '', destination = '', sourcePort, destinationPort] = raw
    .toString('latin1', 0, end)
    .split(' ')
  if (end < 0 || keyword !== 'PROXY')
    throw new Error(`no PROXY header: ${JSON.stringify(octets.toString('latin1', 0, longestV1))}`)
  const common = { version: 1, rest: Buffer.alloc(0), raw } as const
  if (family === 'UNKNOWN') return { ...common, command: 'LOCAL' }
  if (family !== (isIPv4(source) ? 'TCP4' : 'TCP6')) throw new Error(`PROXY ${family} with the address ${source}`)
  return {
    ...common,
    command: 'PROXY',
    source: { address: source, port: Number(sourcePort) },
    destination: { address: destination, port: Number(destinationPort) },
  }
}

function readV2(octets: Buffer): ProxyHeader | undefined {
  if (octets.length < 16) return undefined
  const length = 16 + octets.readUInt16BE(14)
  if (octets.length < length) return undefined
  const raw = octets.subarray(0, length)
  const [versionAndCommand, family] = raw.subarray(12, 14)
  const common = { version: 2, raw } as const
  if (versionAndCommand === 0x20) return { ...common, command: 'LOCAL', rest: raw.subarray(16) }
  const width = family === 0x11 ? 4 : family === 0x21 ? 16 : 0
  if (versionAndCommand !== 0x21 || width === 0)
    throw new Error(`PROXY v2 of an unknown kind: ${raw.toString('hex', 12, 16)}`)
  return {
    ...common,
    command: 'PROXY',
    source: { address: address(raw.subarray(16, 16 + width)), port: raw.readUInt16BE(16 + 2 * width) },
    destination: { address: address(raw.subarray(16 + width, 16 + 2 * width)), port: raw.readUInt16BE(18 + 2 * width) },
    rest: raw.subarray(20 + 2 * width),
  }
}

/** IPv6 in eight groups without leading zeros and without `::`: one way to write each address. */
function address(octets: Buffer): string {
  if (octets.length === 4) return [...octets].join('.')
  return Array.from({ length: 8 }, (_, group) => octets.readUInt16BE(group * 2).toString(16)).join(':')
}
