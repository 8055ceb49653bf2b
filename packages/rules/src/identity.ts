import type { Address, Address4, Address6 } from './address.ts'
import { formatNetwork, networkOf } from './network.ts'
import type { ReverseName } from './reverse-name.ts'
import type { SpfFinding } from './spf.ts'

/** The network under whose name the neighbours of a client are remembered: the /24, or of IPv6 the /48, which is one customer's. */
export function networkKey(address: Address): string {
  // What formatNetwork would give, which parts and writes an address: this is asked several times a session.
  if (address.family === 4) return `${address.text.slice(0, address.text.lastIndexOf('.'))}.0/24`
  return formatNetwork(networkOf(address, 48))
}

/** The longest name that is remembered; DNS has 253, and few are longer than this. */
const longest = 100

/**
 * Under what the confirmed name of a client is remembered: `name:` and the domain that the host is in (`mx1.example.net` is of
 * `example.net`). null: it has no name of its own. One that spells its address is its provider's, who names all customers so,
 * and stands for none of them.
 *
 * Not taken: `genericSign`, which excuses names with `static` in them, as a check should; the list of public suffixes, which would have to be kept up to date; a host right below one stands for itself alone
 * instead.
 */
export function nameIdentity(reverse: ReverseName | null, client: Address): string | null {
  if (reverse?.kind !== 'confirmed') return null
  const name = reverse.name.toLowerCase().replace(/\.$/, '')
  if (name.length > longest || !/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$/.test(name) || spellsAddress(name, client)) return null
  const domain = name.slice(name.indexOf('.') + 1)
  return `name:${isSuffix(domain) ? name : domain}`
}

/** Under what a domain is remembered whose SPF record names the client; null: there is none. One that lets everybody pass names nobody. */
export function senderIdentity(spf: SpfFinding | null): string | null {
  if (spf?.result !== 'pass' || /^\+?all$/i.test(spf.mechanism ?? '')) return null
  const name = spf.domain.toLowerCase()
  return name.length <= longest && /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$/.test(name) ? `spf:${name}` : null
}

/** The names of a client that were verified, the sender's first: it says more of who writes than the host's. */
export function identitiesOf({ spf, reverse }: Verified, client: Address): string[] {
  return [senderIdentity(spf), nameIdentity(reverse, client)].filter(name => name !== null)
}

/** What the DNS has said of names. */
export interface Verified {
  readonly spf: SpfFinding | null
  readonly reverse: ReverseName | null
}

/** Whether others may register names right below it: one label, or two short ones in a country (`co.uk`, `info.pl`). */
const isSuffix = (domain: string): boolean => !domain.includes('.') || /^[a-z0-9-]{1,4}\.[a-z]{2}$/.test(domain)

function spellsAddress(name: string, client: Address): boolean {
  return client.family === 4 ? spells4(name, client) : spells6(name, client)
}

/** Two of its octets in decimal, as a provider writes them, or all of it in hexadecimal. */
function spells4(name: string, { text, bits }: Address4): boolean {
  const octets = text.split('.')
  const numbers = (name.match(/\d+/g) ?? []).map(digits => String(Number(digits)))
  const last = octets.slice(2)
  if (octets.filter(octet => numbers.includes(octet)).length >= 3) return true
  if (last.every(octet => numbers.includes(octet)) && numbers.length >= 2 && last[0] !== last[1]) return true
  const hex = bits.toString(16).padStart(8, '0')
  const padded = octets.map(octet => octet.padStart(3, '0')).join('')
  return name.includes(hex) || name.includes(padded)
}

/** Its last 32 bits, with or without what divides them. */
function spells6(name: string, { words }: Address6): boolean {
  const digits = name.replace(/[^0-9a-f]/g, '')
  const [, , , last] = words
  return last > 0xffff && digits.includes(last.toString(16).padStart(8, '0'))
}
