import { isPrivate, parseAddress } from './address.ts'
import type { DnsAnswer, DnsInquiry } from './dns.ts'
import { isQueryName } from './spf/name.ts'

/**
 * Whether mail can be sent to the sender's domain.
 *  - `found`: it has a mail server, or an address, that is of the internet;
 *  - `none`: it has neither, or mail servers that nobody knows;
 *  - `null-mx`: it says that it takes no mail (RFC 7505);
 *  - `private`: all that it has is of private use, or loopback;
 *  - `failed`: the DNS did not say;
 *  - `unasked`: there is no domain to ask about: the reverse-path is null, or an address literal, or has none.
 */
export type SenderDomain = 'found' | 'none' | 'null-mx' | 'private' | 'failed' | 'unasked'

/** Mail servers that are looked at, the most preferred first; two questions each. */
const mostServers = 5

/** The domain of a reverse-path as it can be asked about; null: it has none. */
export function senderDomainOf(path: string): string | null {
  const domain = path.slice(path.lastIndexOf('@') + 1 || path.length).toLowerCase()
  return domain === '' || domain.startsWith('[') ? null : domain
}

/** Looks for the mail servers of a domain, or, where it has none, for its own address (RFC 5321 5.1). */
export function* inquireSender(domain: string): DnsInquiry<SenderDomain> {
  const name = domain.replace(/\.$/, '')
  if (!isQueryName(name)) return 'none'
  const [servers] = yield [{ type: 'MX', name }]
  if (servers?.kind === 'absent') return yield* reach([name], false)
  if (servers?.kind !== 'records') return 'failed'
  const named = servers.data.filter(server => server !== '')
  if (named.length === 0) return 'null-mx'
  const known = named.filter(isQueryName).slice(0, mostServers)
  if (known.length === 0) return 'none'
  return yield* reach(known, named.length > known.length)
}

/** `more`: there are others, which are not looked at. */
function* reach(names: readonly string[], more: boolean): DnsInquiry<SenderDomain> {
  const answers = yield names.flatMap(name => [{ type: 'A', name } as const, { type: 'AAAA', name } as const])
  const addresses = answers.flatMap(addressesOf)
  if (addresses.some(address => !isPrivate(address))) return 'found'
  if (more || answers.some(({ kind }) => kind === 'failed')) return 'failed'
  return addresses.length > 0 ? 'private' : 'none'
}

function addressesOf(answer: DnsAnswer) {
  return answer.kind === 'records' ? answer.data.map(parseAddress).filter(address => address !== null) : []
}
