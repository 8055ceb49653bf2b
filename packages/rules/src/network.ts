import { type Address, address4, address6, parseAddress, type Words6 } from './address.ts'

/** The addresses that share the first `prefix` bits of `address`; its other bits are zero. */
export interface Network {
  readonly address: Address
  /** 0 to 32 (IPv4) or 128 (IPv6). */
  readonly prefix: number
}

/**
 * Reads `address/prefix`; a bare address is a network of one. An address with bits set below the prefix is refused and not
 * rounded: `192.0.2.7/2` may be a slip for `/27` just as well, and a list that decides over mail is no place to guess.
 * An IPv4-mapped network (`::ffff:192.0.2.0/120`) is the IPv4 network. The problem's text contains nothing of a text that is no address.
 */
export function parseNetwork(text: string): Network | { readonly problem: string } {
  const slash = text.indexOf('/')
  const addressText = slash < 0 ? text : text.slice(0, slash)
  const address = parseAddress(addressText)
  if (address === null) return { problem: 'not an IP address or network' }
  if (slash < 0) return { address, prefix: widthOf(address) }
  const isMapped = address.family === 4 && addressText.includes(':')
  const width = isMapped ? 128 : widthOf(address)
  const written = parsePrefix(text.slice(slash + 1))
  if (written === null || written > width) return { problem: `the prefix must be a number from 0 to ${width}` }
  if (isMapped && written < 96) return { problem: 'the prefix of an IPv4-mapped network must be 96 or more' }
  const prefix = isMapped ? written - 96 : written
  const network = networkOf(address, prefix)
  if (network.address === address) return network
  return {
    problem: `${address.text}/${prefix} has bits set below the prefix; the network is ${formatNetwork(network)}`,
  }
}

/** `192.0.2.0/24`; always with its prefix. */
export function formatNetwork(network: Network): string {
  return `${network.address.text}/${network.prefix}`
}

/**
 * The network of that prefix which contains the address, and the address itself in it if it is the network's first. Throws when
 * the address has not so many bits.
 */
export function networkOf(address: Address, prefix: number): Network {
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > widthOf(address)) {
    throw new RangeError(`no prefix of IPv${address.family}: ${prefix}`)
  }
  // A new address is a new text, which costs more than all the rest; most are the network's first already.
  if (address.family === 4) {
    const bits = (address.bits & mask(prefix)) >>> 0
    return { address: bits === address.bits ? address : address4(bits), prefix }
  }
  const words = maskWords(address.words, prefix)
  return { address: words.every((word, i) => word === address.words[i]) ? address : address6(words), prefix }
}

/** Whether the address is in the network. One of the other family never is, `0.0.0.0/0` and `::/0` included. */
export function contains(network: Network, address: Address): boolean {
  const within = network.address
  if (within.family === 4) {
    return address.family === 4 && ((within.bits ^ address.bits) & mask(network.prefix)) === 0
  }
  if (address.family === 4) return false
  return within.words.every((word, i) => ((word ^ (address.words[i] ?? 0)) & mask(network.prefix - 32 * i)) === 0)
}

/** 32 bits of which the first `prefix` are set; a prefix below 0 counts as 0 and one above 32 as 32. */
export function mask(prefix: number): number {
  // A shift by 32 is a shift by 0.
  if (prefix <= 0) return 0
  return prefix >= 32 ? 0xffffffff : (0xffffffff << (32 - prefix)) >>> 0
}

function maskWords(words: Words6, prefix: number): Words6 {
  const masked = (i: 0 | 1 | 2 | 3) => (words[i] & mask(prefix - 32 * i)) >>> 0
  return [masked(0), masked(1), masked(2), masked(3)]
}

function widthOf(address: Address): 32 | 128 {
  return address.family === 4 ? 32 : 128
}

function parsePrefix(text: string): number | null {
  return /^(?:0|[1-9][0-9]{0,2})$/.test(text) ? Number(text) : null
}
