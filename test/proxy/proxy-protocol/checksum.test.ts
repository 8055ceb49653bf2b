import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '@sallyport/proxy/proxy-protocol/crc32c.js'
import { ProxyHeaderReader, type ProxyReading } from '@sallyport/proxy/proxy-protocol/decode.js'
import { encodeV2 } from '@sallyport/proxy/proxy-protocol/encode.js'
import { address4 } from '@sallyport/rules'
import fc from 'fast-check'

const read = (octets: Uint8Array): ProxyReading => new ProxyHeaderReader().read(octets)
const wrong = { kind: 'malformed', why: 'version 2: a wrong checksum' }

/** A header with these TLVs; the place of its checksum holds zeros. */
function header(tlvs: Buffer): Buffer {
  const bare = encodeV2(address4(0xc0000207), 51_000, address4(0xc6336401), 25)
  const whole = Buffer.concat([bare, tlvs])
  whole.writeUInt16BE(12 + tlvs.length, 14)
  return whole
}

/** The checksum bit by bit, as the definition has it. */
function slowSum(octets: Uint8Array): number {
  let sum = 0xffffffff
  for (const octet of octets) {
    sum ^= octet
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ ((sum & 1) * 0x82f63b78)
  }
  return ~sum >>> 0
}

test('the sums are those of RFC 3720, appendix B.4, and of the catalogue', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  assert.equal(crc32c(Buffer.alloc(0)), 0)
  // In RFC 3720 the octets of the sum are in the order in which they are sent, least first.
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa)
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43)
  assert.equal(crc32c(Buffer.from(Array.from({ length: 32 }, (_, n) => n))), 0x46dd794e)
})

test('sums go on: the sum of two pieces is that of both together', () => {
  // Invariant: crc32c(a + b) = crc32c(b, crc32c(a)), and both are what the definition says.
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      assert.equal(crc32c(b, crc32c(a)), slowSum(Buffer.concat([a, b])))
    }),
  )
})

const tlv = fc
  .tuple(fc.constantFrom(0x01, 0x02, 0x04, 0x05, 0x20, 0xea), fc.uint8Array({ maxLength: 40 }))
  .map(([type, value]) => Buffer.concat([Buffer.of(type, 0, value.length), value]))

test('a header with its checksum is read, and with any bit of its addresses or of the sum changed it is not', () => {
  // Invariant: with the right sum it is read; with one bit flipped in what it says of the client, or in the sum, it is malformed.
  fc.assert(
    fc.property(fc.array(tlv, { maxLength: 4 }), fc.array(tlv, { maxLength: 4 }), fc.nat(), (front, back, where) => {
      const whole = header(Buffer.concat([...front, Buffer.of(3, 0, 4, 0, 0, 0, 0), ...back]))
      const at = 28 + Buffer.concat(front).length + 3
      whole.writeUInt32BE(slowSum(whole), at)
      const reading = read(whole)
      assert.equal(reading.kind, 'header')
      const places = [...Array.from({ length: 12 }, (_, n) => 16 + n), at, at + 1, at + 2, at + 3]
      const place = places[(where >>> 3) % places.length] ?? at
      whole[place] = (whole[place] ?? 0) ^ (1 << (where & 7))
      assert.deepEqual(read(whole), wrong)
    }),
  )
})

test('a checksum of another length is a wrong one, and none is none', () => {
  for (const length of [0, 3, 5]) {
    assert.deepEqual(read(header(Buffer.concat([Buffer.of(3, 0, length), Buffer.alloc(length)]))), wrong)
  }
  assert.deepEqual(read(header(Buffer.of(3, 0, 4, 0, 0, 0, 0))), wrong)
  assert.equal(read(header(Buffer.alloc(0))).kind, 'header')
})
