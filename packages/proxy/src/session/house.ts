import type { Plans } from '@sallyport/rules'
import { ehloReply, keywordOf, offered, type View } from '../smtp/keywords.ts'
import type { Routes } from './routes.ts'
import type { TrapRecipients } from './trap-recipients.ts'

/** How long the gate waits for whom, in milliseconds. */
export interface Waits {
  /** For the store, before a client counts as unknown. */
  readonly recall: number
  /** For what was asked about a client, before a recipient is decided without it. */
  readonly answers: number
  /** For a whole command line, counted from our reply. */
  readonly command: number
  /** For the next command of a client that is trapped or suspect. */
  readonly suspect: number
  /** From accept until the backend is open, in all. */
  readonly screening: number
  /** Between two pieces of a message. */
  readonly data: number
  /** From accept, in all. */
  readonly session: number
  /** For a TLS handshake, on either side. */
  readonly tlsHandshake: number
  readonly backendConnect: number
  readonly backendGreeting: number
  readonly backendReply: number
  /** For the reply to the end of data (RFC 5321 4.5.3.2.6: 10 minutes). */
  readonly backendFinal: number
}

/** What the backend offers in its EHLO reply, as last heard. Shared by all sessions and renewed in place by the probe. */
export class Offer {
  private readonly hostname: string
  private lines: readonly string[] = []
  /** Replies made so far, by what they depend on. */
  private readonly made = new Map<string, string>()

  constructor(hostname: string) {
    this.hostname = hostname
  }

  /** `lines`: the keyword lines of the backend's EHLO reply. */
  renew(lines: readonly string[]): void {
    this.lines = lines
    this.made.clear()
  }

  has(keyword: string): boolean {
    return this.lines.some(line => keywordOf(line) === keyword)
  }

  /** The gate's EHLO reply. */
  reply(view: View): string {
    const key = [view.pipelining, view.starttls, view.auth, view.tls, ...view.withhold].join(' ')
    let reply = this.made.get(key)
    if (reply === undefined) {
      reply = ehloReply(this.hostname, offered(this.lines, view))
      this.made.set(key, reply)
    }
    return reply
  }
}

/** What every session of one configuration shares. A reload makes a new house; open sessions stay in theirs. */
export interface House {
  /** Which configuration it is of, for records. */
  readonly version: string
  readonly hostname: string
  readonly plans: Plans
  readonly offer: Offer
  readonly waits: Waits
  readonly limits: {
    /** Octets in a command line without CRLF. */
    readonly commandLine: number
    /** Commands without a message, after which the session ends. */
    readonly commands: number
  }
  /** Domains for which mail is taken; null: the backend decides. */
  readonly recipientDomains: ReadonlySet<string> | null
  /** Recipients that nobody has. */
  readonly traps: TrapRecipients
  /** Which backends a recipient's domain belongs to. */
  readonly routes: Routes
  /** When the backend is opened: at the first good RCPT, at MAIL, or before the greeting, if the client is known by then. */
  readonly connect: 'rcpt' | 'mail' | 'greeting'
  /** When a client may log in: under TLS, at any time, never. */
  readonly auth: 'tls' | 'always' | 'never'
  /** Verbs in capitals, beyond those that the gate knows, that the backend may be asked; null: all. */
  readonly verbs: ReadonlySet<string> | null
  /** Keywords in capitals that are not passed on. */
  readonly withhold: ReadonlySet<string>
  /** Whether a backend is told of the client by XCLIENT, and so wants its name from the DNS. */
  readonly xclient: boolean
  /** Of trapped clients: the time for an octet, how many are said at once, and the time in all, ms. */
  readonly trap: { readonly interval: number; readonly piece: number; readonly wait: number }
  /** The share of unknown clients that is turned away, as it is now. */
  readonly load: { readonly shed: number }
  readonly bareNewline: 'normalise' | 'refuse'
}
