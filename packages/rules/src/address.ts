/** An internet address. IPv4-mapped IPv6 addresses (`::ffff:192.0.2.1`) are the IPv4 address that they carry. */
export type Address = Address4 | Address6

export interface Address4 {
  readonly family: 4
  /** Dotted quad, the only way to write it. */
  readonly text: string
  /** Unsigned 32 bits. */
  readonly bits: number
}

/** Eight groups as four unsigned 32-bit words, the first word first. */
export type Words6 = readonly [number, number, number, number]

export interface Address6 {
  readonly family: 6
  /** The canonical text (RFC 5952). */
  readonly text: string
  readonly words: Words6
}

/** The longest text of an address: eight groups, of which the last two as a dotted quad. */
const longest = 45

/**
 * Reads an address, or gives null. Strict: a dotted quad of four decimal octets without leading zeros (which some programs
 * read as octal), or RFC 4291 2.2 text with `::` and a dotted tail. No zone ids, no brackets, no spaces.
 */
export function parseAddress(text: string): Address | null {
  if (text.length > longest) return null
  if (!text.includes(':')) {
    const bits = parseQuad(text, 0)
    return bits === null ? null : { family: 4, text, bits }
  }
  const words = parseWords(text)
  if (words === null) return null
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff ? address4(words[3]) : address6(words)
}

/** The IPv4 address of 32 bits. */
export function address4(bits: number): Address4 {
  const text = `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`
  return { family: 4, text, bits: bits >>> 0 }
}

/** The IPv6 address of four words. */
export function address6(words: Words6): Address6 {
  return { family: 6, text: formatWords(words), words }
}

/**
 * The name under which a client is remembered: an IPv4 address as it is, of an IPv6 address the /64 (`2001:db8:1:2::/64`),
 * since every host may choose new addresses within it at will.
 */
export function clientKey(address: Address): string {
  if (address.family === 4) return address.text
  return `${formatWords([address.words[0], address.words[1], 0, 0])}/64`
}

/** The labels that stand before the zone in a query to a DNS list: octets or nibbles, the last first (RFC 5782 2.1, 2.4). */
export function dnsQueryName(address: Address): string {
  if (address.family === 4) return address.text.split('.').reverse().join('.')
  const nibbles = address.words.map(word => word.toString(16).padStart(8, '0')).join('')
  return [...nibbles].reverse().join('.')
}

/** Whether the address means nothing outside its own host or site, and so must never gain a bad name (RFC 6890). */
export function isPrivate(address: Address): boolean {
  if (address.family === 4) return private4.some(([bits, prefix]) => (address.bits ^ bits) >>> (32 - prefix) === 0)
  const [a, b, c, d] = address.words
  const isHost = a === 0 && b === 0 && c === 0 && (d === 0 || d === 1)
  return isHost || (a & 0xfe000000) >>> 0 === 0xfc000000 || (a & 0xffc00000) >>> 0 === 0xfe800000
}

const private4 = [
  [0x00000000, 8], // 0.0.0.0/8, unspecified
  [0x0a000000, 8], // 10.0.0.0/8
  [0x64400000, 10], // 100.64.0.0/10, shared behind a carrier's NAT
  [0x7f000000, 8], // 127.0.0.0/8, loopback
  [0xa9fe0000, 16], // 169.254.0.0/16, link local
  [0xac100000, 12], // 172.16.0.0/12
  [0xc0a80000, 16], // 192.168.0.0/16
] as const

const dot = 0x2e
const colon = 0x3a

/** Reads the dotted quad from `start` to the end of the text. */
function parseQuad(text: string, start: number): number | null {
  let bits = 0
  let octet = 0
  let digits = 0
  let octets = 1
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === dot) {
      if (digits === 0 || octets === 4) return null
      bits = bits * 256 + octet
      octet = 0
      digits = 0
      octets++
      continue
    }
    if (code < 0x30 || code > 0x39) return null
    if (digits > 0 && octet === 0) return null
    octet = octet * 10 + (code - 0x30)
    digits++
    if (octet > 255) return null
  }
  return digits > 0 && octets === 4 ? bits * 256 + octet : null
}

/** Reads IPv6 text in one pass from left to right. */
function parseWords(text: string): Words6 | null {
  const groups: number[] = []
  /** The number of groups before the `::`; -1: none seen. */
  let gap = -1
  let i = 0
  if (text.startsWith('::')) {
    gap = 0
    i = 2
  }
  while (i < text.length) {
    if (groups.length === 8) return null
    const start = i
    let group = 0
    for (let digit = hexDigit(text, i); digit >= 0 && i - start < 4; digit = hexDigit(text, i)) {
      group = group * 16 + digit
      i++
    }
    if (i === start) return null
    if (text.charCodeAt(i) === dot) {
      const quad = parseQuad(text, start)
      if (quad === null) return null
      groups.push(quad >>> 16, quad & 0xffff)
      break
    }
    groups.push(group)
    if (i === text.length) break
    if (text.charCodeAt(i) !== colon) return null
    i++
    if (i === text.length) return null
    if (text.charCodeAt(i) === colon) {
      if (gap >= 0) return null
      gap = groups.length
      i++
    }
  }
  // A `::` stands for one group of zeros at least (RFC 4291 2.2).
  if (gap < 0 ? groups.length !== 8 : groups.length > 7) return null
  const word = (at: number) => groupAt(groups, gap, at) * 0x10000 + groupAt(groups, gap, at + 1)
  return [word(0), word(2), word(4), word(6)]
}

/** The group at `at` of the eight, when of the groups that were written `gap` stand before the `::`. */
function groupAt(groups: readonly number[], gap: number, at: number): number {
  if (gap < 0 || at < gap) return groups[at] ?? 0
  const zeros = 8 - groups.length
  return at < gap + zeros ? 0 : (groups[at - zeros] ?? 0)
}

/** The value of the hexadecimal digit at `at`; -1: there is none. */
function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** RFC 5952 4: lower case, no leading zeros, the first of the longest runs of two or more zero groups as `::`. */
function formatWords(words: Words6): string {
  let runStart = 8
  let runLength = 1
  let zeros = 0
  for (let i = 0; i < 8; i++) {
    zeros = group(words, i) === 0 ? zeros + 1 : 0
    if (zeros > runLength) {
      runLength = zeros
      runStart = i + 1 - zeros
    }
  }
  let text = runStart === 0 ? '::' : group(words, 0).toString(16)
  for (let i = runStart === 0 ? runLength : 1; i < 8; i++) {
    if (i === runStart) {
      text += '::'
      i += runLength - 1
      continue
    }
    if (i !== runStart + runLength) text += ':'
    text += group(words, i).toString(16)
  }
  return text
}

function group(words: Words6, at: number): number {
  const word = words[at >>> 1] ?? 0
  return at % 2 === 0 ? word >>> 16 : word & 0xffff
}
