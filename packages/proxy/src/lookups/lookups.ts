import { type HelloName, inquireHello, inquireSender, type SenderDomain, senderDomainOf } from '@sallyport/rules'
import type { Config } from '../config/config.ts'
import { DnsblLookup, type DnsblObserver } from './dnsbl.ts'
import { DnsblHealth, type HealthObserver } from './dnsbl-health.ts'
import { Inquiries } from './inquiries.ts'
import { ReverseNameLookup } from './reverse-name.ts'
import { dnsForm, SpfLookup } from './spf.ts'

/** Who is told of what the look-ups come upon. */
interface LookupObservers {
  readonly dnsbl: DnsblObserver
  readonly health: HealthObserver
  /** Our own fault in a look-up. */
  readonly fault: (fault: unknown) => void
}

/** All that is asked of the DNS under one configuration. */
export class Lookups {
  readonly health: DnsblHealth
  readonly dnsbl: DnsblLookup
  readonly reverseName: ReverseNameLookup
  readonly spf: SpfLookup
  private readonly hello: Inquiries<HelloName>
  private readonly sender: Inquiries<SenderDomain>

  constructor({ dnsbl, hostname }: Config, observers: LookupObservers) {
    const options = { resolvers: dnsbl.resolvers, wait: dnsbl.wait }
    this.health = new DnsblHealth(dnsbl, observers.health)
    this.dnsbl = new DnsblLookup(dnsbl, observers.dnsbl, this.health)
    this.reverseName = new ReverseNameLookup(options)
    this.spf = new SpfLookup(options, hostname, observers.fault)
    this.hello = new Inquiries(options, observers.fault)
    this.sender = new Inquiries(options, observers.fault)
  }

  /** Whether the DNS knows the argument of HELO. */
  helloName(argument: string, answered: (found: HelloName) => void): void {
    const name = dnsForm(argument)
    this.hello.ask(name.toLowerCase(), () => inquireHello(name), answered)
  }

  /** Whether mail can be sent to the domain of the reverse-path, which has one. */
  senderDomain(path: string, answered: (found: SenderDomain) => void): void {
    const domain = dnsForm(senderDomainOf(path) ?? '')
    this.sender.ask(domain, () => inquireSender(domain), answered)
  }

  /** Others take its place: what is under way is left to finish. */
  retire(): void {
    this.health.stop()
  }

  /** Breaks off everything. */
  stop(): void {
    this.health.stop()
    for (const lookup of [this.dnsbl, this.reverseName, this.spf, this.hello, this.sender]) lookup.stop()
  }
}
