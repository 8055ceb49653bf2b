import type { Address } from '@sallyport/rules'
import { fixedPart, signature } from './header.ts'

/** A version 1 line, its CR LF included. Addresses of two families are both written as IPv6, the IPv4 one as `::ffff:a.b.c.d`. */
export function encodeV1(client: Address, clientPort: number, server: Address, serverPort: number): string {
  const is4 = client.family === 4 && server.family === 4
  const text = (address: Address) => (address.family === 4 && !is4 ? `::ffff:${address.text}` : address.text)
  return `PROXY TCP${is4 ? 4 : 6} ${text(client)} ${text(server)} ${clientPort} ${serverPort}\r\n`
}

/** What a version 2 header can tell of the client's TLS. All of it ASCII. */
interface ClientTls {
  readonly version: string
  readonly cipher: string
  /** SNI; null: none. */
  readonly serverName: string | null
}

/**
 * A version 2 header; families as in `encodeV1`. Ports from 0 to 65535, otherwise it throws. `tls` null: the client spoke in
 * the clear, and there are no TLVs.
 */
export function encodeV2(
  client: Address,
  clientPort: number,
  server: Address,
  serverPort: number,
  tls: ClientTls | null = null,
): Buffer {
  const is4 = client.family === 4 && server.family === 4
  const size = is4 ? 4 : 16
  const tlvs = tls === null ? noOctets : tlsTlvs(tls)
  const header = fixed(0x21, is4 ? 0x11 : 0x21, 2 * size + 4 + tlvs.length)
  header.set(tlvs, fixedPart + 2 * size + 4)
  writeAddress(header, fixedPart, client, is4)
  writeAddress(header, fixedPart + size, server, is4)
  header.writeUInt16BE(clientPort, fixedPart + 2 * size)
  header.writeUInt16BE(serverPort, fixedPart + 2 * size + 2)
  return header
}

/** A version 2 header that says: this connection is the proxy's own (a health check, the probe of the backend). */
export function encodeV2Local(): Buffer {
  return fixed(0x20, 0x00, 0)
}

/** Types of the specification, 2.2: the name asked for; of TLS, its version and its cipher. */
const types = { authority: 0x02, ssl: 0x20, sslVersion: 0x21, sslCipher: 0x23 } as const
/** PP2_CLIENT_SSL: the client spoke TLS; it showed no certificate, as the gate asks for none. */
const spokeTls = 0x01

const noOctets = Buffer.alloc(0)

function tlsTlvs({ version, cipher, serverName }: ClientTls): Buffer {
  // `verify` is 0 for a client certificate that was found good, and for nothing else.
  const state = Buffer.from([spokeTls, 0, 0, 0, 1])
  const ssl = tlv(
    types.ssl,
    Buffer.concat([state, textTlv(types.sslVersion, version), textTlv(types.sslCipher, cipher)]),
  )
  return serverName === null ? ssl : Buffer.concat([textTlv(types.authority, serverName), ssl])
}

const textTlv = (type: number, text: string): Buffer => tlv(type, Buffer.from(text, 'latin1'))

function tlv(type: number, value: Buffer): Buffer {
  const start = Buffer.from([type, 0, 0])
  start.writeUInt16BE(value.length, 1)
  return Buffer.concat([start, value])
}

function fixed(command: number, family: number, length: number): Buffer {
  const header = Buffer.alloc(fixedPart + length)
  header.set(signature)
  header[signature.length] = command
  header[signature.length + 1] = family
  header.writeUInt16BE(length, signature.length + 2)
  return header
}

function writeAddress(header: Buffer, at: number, address: Address, is4: boolean): void {
  const mapped = address.family === 4 ? [0, 0, 0xffff, address.bits] : address.words
  const words = is4 ? mapped.slice(3) : mapped
  words.forEach((word, i) => {
    header.writeUInt32BE(word, at + 4 * i)
  })
}
