/** CRC-32C (Castagnoli) by octet, reflected: RFC 3720 appendix B.4 has the polynomial and examples. */
const table = Uint32Array.from({ length: 256 }, (_, octet) => {
  let value = octet
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

/** The sum of some octets, or, with the sum of what came before them, of both. */
export function crc32c(octets: Uint8Array, before = 0): number {
  let sum = ~before
  for (let at = 0; at < octets.length; at++) sum = (sum >>> 8) ^ (table[(sum ^ (octets[at] ?? 0)) & 0xff] ?? 0)
  return ~sum >>> 0
}
