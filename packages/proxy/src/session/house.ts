import type { Plan } from '@sallyport/rules'
import { ehloReply, offered } from '../smtp/keywords.ts'

/** How long the gate waits for whom, in milliseconds. */
export interface Waits {
  /** For the store, before a client counts as unknown. */
  readonly recall: number
  /** For a whole command line, counted from our reply. */
  readonly command: number
  /** From accept until the backend is open, in all. */
  readonly screening: number
  /** Between two pieces of a message. */
  readonly data: number
  /** From accept, in all. */
  readonly session: number
  readonly backendConnect: number
  readonly backendGreeting: number
  readonly backendReply: number
  /** For the reply to the end of data (RFC 5321 4.5.3.2.6: 10 minutes). */
  readonly backendFinal: number
}

/** What the backend offers in its EHLO reply, as last heard. Shared by all sessions and renewed in place by the probe. */
export class Offer {
  private readonly hostname: string
  private toStrangers: string
  private toKnown: string

  constructor(hostname: string) {
    this.hostname = hostname
    this.toStrangers = ehloReply(hostname, [])
    this.toKnown = this.toStrangers
  }

  /** `lines`: the keyword lines of the backend's EHLO reply. */
  renew(lines: readonly string[]): void {
    this.toStrangers = ehloReply(this.hostname, offered(lines, false))
    this.toKnown = ehloReply(this.hostname, offered(lines, true))
  }

  reply(pipelining: boolean): string {
    return pipelining ? this.toKnown : this.toStrangers
  }
}

/** What every session of one configuration shares. A reload makes a new house; open sessions stay in theirs. */
export interface House {
  readonly hostname: string
  readonly plan: Plan
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
  /** Whether the client's identity is passed by XCLIENT, which is part of the dialogue; PROXY headers are the driver's. */
  readonly xclient: boolean
  readonly bareNewline: 'normalise' | 'refuse'
}
