import { domainToASCII } from 'node:url'
import { type Address, checkHost, type SpfFinding } from '@sallyport/rules'
import { Inquiries, type InquiryOptions } from './inquiries.ts'

/** Whom SPF is asked about: the reverse-path without brackets and the argument of HELO, as they came (latin1). */
export interface SpfSubject {
  readonly sender: string
  readonly hello: string
}

/** A domain in UTF-8 as the DNS has it (RFC 7208 4.3); anything else as it is. */
export function dnsForm(domain: string): string {
  if (!/[^\x20-\x7e]/.test(domain)) return domain
  return domainToASCII(Buffer.from(domain, 'latin1').toString('utf8')) || domain
}

/** Asks the domains of senders whether clients may send for them. */
export class SpfLookup {
  private readonly inquiries: Inquiries<SpfFinding>
  private readonly receiver: string

  /** `receiver`: our own name. */
  constructor(options: InquiryOptions, receiver: string, onFault: (fault: unknown) => void) {
    this.inquiries = new Inquiries(options, onFault)
    this.receiver = receiver
  }

  /** Calls `answered` once, never before it has returned and after the wait at the latest. */
  ask(client: Address, { sender, hello }: SpfSubject, answered: (finding: SpfFinding) => void): void {
    const at = sender.lastIndexOf('@') + 1
    const question = {
      client,
      helo: dnsForm(hello),
      sender: at === 0 ? sender : sender.slice(0, at) + dnsForm(sender.slice(at)),
      receiver: this.receiver,
      now: Math.floor(Date.now() / 1000),
    }
    this.inquiries.ask([client.text, hello, sender].join('\n'), () => checkHost(question), answered)
  }

  stop(): void {
    this.inquiries.stop()
  }
}
