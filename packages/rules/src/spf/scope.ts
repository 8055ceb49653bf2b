import { type Address, dnsQueryName, parseAddress } from '../address.ts'
import type { DnsAnswer, DnsInquiry, DnsQuestion } from '../dns.ts'
import { expandMacros, type MacroLetter, type MacroString, mentions } from './macro.ts'
import { isWithin, targetName } from './name.ts'

/** What is asked of SPF. */
export interface SpfQuestion {
  readonly client: Address
  /** The argument of HELO, as it came; empty: none. */
  readonly helo: string
  /** The reverse-path without brackets; empty: null. */
  readonly sender: string
  /** Our own name, for explanations. */
  readonly receiver: string
  /** Seconds since 1970, for explanations. */
  readonly now: number
}

/** The most of each in one check (RFC 7208 4.6.4): terms that ask, terms that ask in vain, and names of one MX or PTR. */
export const most = { terms: 10, voids: 2, names: 10 } as const

/** Names of the client that have its address. */
interface ClientNames {
  readonly names: readonly string[]
  /** The DNS said that there are none. */
  readonly isVoid: boolean
}

/** What all the records of one check have in common: whom it is about, and how much has been asked for. */
export class Scope {
  readonly client: Address
  /** Terms that ask the DNS so far, and how many of them were answered with nothing. */
  terms = 0
  voids = 0
  private readonly values: Readonly<Record<Exclude<MacroLetter, 'd' | 'p'>, string>>
  /** Null: not asked for yet. */
  private known: ClientNames | null = null

  constructor({ client, helo, receiver, now }: SpfQuestion, local: string, domain: string) {
    this.client = client
    this.values = {
      s: `${local}@${domain}`,
      l: local,
      o: domain,
      i: dottedAddress(client),
      v: client.family === 4 ? 'in-addr' : 'ip6',
      h: helo,
      c: client.text,
      r: receiver,
      t: String(now),
    }
  }

  /** The text with its macros replaced, where `domain` is being checked. */
  *expand(parts: MacroString, domain: string): DnsInquiry<string> {
    const name = mentions(parts, 'p') ? yield* this.nameWithin(domain) : ''
    return expandMacros(parts, letter => (letter === 'd' ? domain : letter === 'p' ? name : this.values[letter]))
  }

  /** The name that a term speaks of: the domain, or what is written. null: what it comes to is no name. */
  *target(written: MacroString | null, domain: string): DnsInquiry<string | null> {
    return written === null ? domain : targetName(yield* this.expand(written, domain))
  }

  /** Asks whether these names have addresses of the client's kind. */
  *addresses(names: readonly string[]): DnsInquiry<readonly DnsAnswer[]> {
    const type = this.client.family === 4 ? 'A' : 'AAAA'
    const questions = names
      .map(name => targetName(name))
      .map(name => (name === null ? null : ({ type, name } as const)))
    return yield* askThose(questions)
  }

  /** The client's names: of the first ten those that have its address. */
  *clientNames(): DnsInquiry<ClientNames> {
    this.known ??= yield* this.askNames()
    return this.known
  }

  private *askNames(): DnsInquiry<ClientNames> {
    const zone = this.client.family === 4 ? 'in-addr.arpa' : 'ip6.arpa'
    const [pointers] = yield [{ type: 'PTR', name: `${dnsQueryName(this.client)}.${zone}` }]
    if (pointers?.kind !== 'records') return { names: [], isVoid: pointers?.kind === 'absent' }
    const claimed = pointers.data.slice(0, most.names)
    const answers = yield* this.addresses(claimed)
    const isOurs = (answer: DnsAnswer | undefined) =>
      answer?.kind === 'records' && answer.data.some(text => parseAddress(text)?.text === this.client.text)
    return { names: claimed.filter((_, i) => isOurs(answers[i])), isVoid: false }
  }

  /** The macro p: the domain itself if the client has that name, else a name below it, else any, else `unknown`. */
  private *nameWithin(domain: string): DnsInquiry<string> {
    const { names } = yield* this.clientNames()
    const same = names.find(name => isWithin(name, domain) && isWithin(domain, name))
    return same ?? names.find(name => isWithin(name, domain)) ?? names[0] ?? 'unknown'
  }
}

/** The answers to those that are questions; what is none has no records. */
function* askThose(questions: readonly (DnsQuestion | null)[]): DnsInquiry<readonly DnsAnswer[]> {
  const asked = questions.filter(question => question !== null)
  const answers = asked.length === 0 ? [] : yield asked
  let next = 0
  return questions.map(question => (question === null ? { kind: 'absent' } : (answers[next++] ?? { kind: 'failed' })))
}

/** The macro i: an IPv4 address as usual, of an IPv6 address the nibbles. */
function dottedAddress(client: Address): string {
  if (client.family === 4) return client.text
  const nibbles = dnsQueryName(client).split('.').reverse()
  return nibbles.join('.').toUpperCase()
}
