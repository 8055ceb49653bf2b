import { type Address, address4, address6 } from '@sallyport/rules'
import { crc32c } from './crc32c.ts'
import { fixedPart, type ProxyHeader, signature } from './header.ts'

/** Octets after the fixed part that we read. The field could say 65535; addresses take 36 and real TLVs some hundred. */
const longestBlock = 4096

/** What the fixed part of a version 2 header says. */
interface FixedPart {
  readonly holds: 'inet' | 'inet6' | 'unix' | 'nothing'
  /** Octets that follow. */
  readonly length: number
}

/** The octets of the address block of each family. */
const sizes = { inet: 12, inet6: 36, unix: 216, nothing: 0 } as const

/**
 * Reads as much of the fixed part as there is, the signature (already found good) included; null: not whole yet and all fits;
 * a text says what is wrong with it.
 */
export function parseFixedPart(bytes: Buffer): FixedPart | null | string {
  const command = bytes[signature.length]
  if (command === undefined) return null
  if (command !== 0x20 && command !== 0x21) return 'neither LOCAL nor PROXY'
  const family = bytes[signature.length + 1]
  if (family === undefined) return null
  // Under LOCAL the family is to be ignored, and the addresses with it.
  const holds = command === 0x20 ? 'nothing' : heldBy(family)
  if (holds === null) return 'not a stream of a known family'
  const high = bytes[signature.length + 2]
  if (high !== undefined && high > longestBlock >>> 8) return 'too long'
  if (bytes.length < fixedPart) return null
  const length = bytes.readUInt16BE(fixedPart - 2)
  if (length > longestBlock) return 'too long'
  if (length < sizes[holds]) return 'too short for its addresses'
  return { holds, length }
}

function heldBy(family: number): FixedPart['holds'] | null {
  switch (family) {
    case 0x00:
      return 'nothing'
    case 0x11:
      return 'inet'
    case 0x21:
      return 'inet6'
    case 0x31:
      return 'unix'
    default:
      return null
  }
}

/** Reads the octets that the fixed part announced; a text says what is wrong with them. `header`: the fixed part and those. */
export function parseBlock(start: FixedPart, header: Buffer): ProxyHeader | string {
  // Without an address there is nothing that could be trusted or not: health checks of some balancers carry what they like.
  if (start.holds === 'nothing') return { kind: 'local', version: 2 }
  const fault = faultOfTlvs(header, fixedPart + sizes[start.holds])
  if (fault !== null) return fault
  const block = header.subarray(fixedPart)
  switch (start.holds) {
    case 'unix':
      return { kind: 'local', version: 2 }
    case 'inet':
      return {
        kind: 'proxied',
        version: 2,
        client: address4(block.readUInt32BE(0)),
        clientPort: block.readUInt16BE(8),
        server: address4(block.readUInt32BE(4)),
        serverPort: block.readUInt16BE(10),
      }
    case 'inet6':
      return {
        kind: 'proxied',
        version: 2,
        client: readAddress6(block, 0),
        clientPort: block.readUInt16BE(32),
        server: readAddress6(block, 16),
        serverPort: block.readUInt16BE(34),
      }
    default:
      return start.holds satisfies never
  }
}

function readAddress6(block: Buffer, at: number): Address {
  const [a, b, c, d] = [
    block.readUInt32BE(at),
    block.readUInt32BE(at + 4),
    block.readUInt32BE(at + 8),
    block.readUInt32BE(at + 12),
  ]
  // An IPv4-mapped address is the IPv4 address, so that no list or count can be passed by writing it the other way.
  return a === 0 && b === 0 && c === 0xffff ? address4(d) : address6([a, b, c, d])
}

/** PP2_TYPE_CRC32C: a sum over the whole header, its own four octets taken for zeros (2.2.3 of the specification). */
const checksum = { type: 0x03, zeros: new Uint8Array(4) } as const

/**
 * Each is a type of one octet, a length of two, and that many octets (2.2.7 of the specification). None is used; but a checksum,
 * which is optional, must be right where there is one.
 */
function faultOfTlvs(header: Buffer, from: number): string | null {
  let end = from
  for (let at = from; at < header.length; at = end) {
    end = at + 3 > header.length ? header.length + 1 : at + 3 + header.readUInt16BE(at + 1)
    if (end > header.length) return 'a TLV reaches beyond the header'
    if (header[at] === checksum.type && !isRight(header, at + 3, end)) return 'a wrong checksum'
  }
  return null
}

function isRight(header: Buffer, from: number, to: number): boolean {
  if (to - from !== checksum.zeros.length) return false
  const sum = crc32c(header.subarray(to), crc32c(checksum.zeros, crc32c(header.subarray(0, from))))
  return header.readUInt32BE(from) === sum
}
