import type { DnsblFinding, HelloName, Question, Repute, ReverseName, SenderDomain, SpfFinding } from '@sallyport/rules'
import type { Session } from './session.ts'

/** What a session may want to know from outside. The answer comes later, or never; then the fact stays unknown. */
export type Ask = 'recall' | 'identity' | Question

/** What the store knows of the client: names of checks, and what is known of the mail of its address and its network. */
export interface Recalled {
  readonly ask: 'recall'
  readonly passed: readonly string[]
  readonly failed: readonly string[]
  readonly client: Repute | null
  readonly network: Repute | null
  /** What it called itself in its sessions before (HelloHistory). */
  readonly hellos: readonly string[] | null
}

/** What it knows of the mail of a name that was verified. */
export interface Identified {
  readonly ask: 'identity'
  readonly repute: Repute | null
}

/** What it knows by now of a client that is blocked since it was asked. */
export interface Blocked {
  readonly ask: 'block'
  readonly failed: readonly string[]
  readonly client: Repute | null
  readonly network: Repute | null
  readonly identity: Repute | null
}

/** The answer of somebody who was asked; of a verified name it comes unasked, behind the name, and of a block at any time. */
export type Answer =
  | Recalled
  | Identified
  | Blocked
  | { readonly ask: 'dnsbl'; readonly finding: DnsblFinding }
  | { readonly ask: 'reverse-name'; readonly name: ReverseName }
  // What the client has said may be another thing by the time of the answer, which therefore names what it is about.
  | { readonly ask: 'hello-name'; readonly hello: string; readonly found: HelloName }
  | { readonly ask: 'sender-domain'; readonly sender: string; readonly found: SenderDomain }
  | { readonly ask: 'spf'; readonly sender: string; readonly hello: string; readonly finding: SpfFinding }
  | { readonly ask: 'rate'; readonly over: string | null }
  // Of the recipient, which may be another by then; null: the store did not say.
  | { readonly ask: 'greylist'; readonly tuple: string; readonly wait: number | null }

/** How an attempt to reach the backend ended. `declined`: it was reached, and would not have the client or its sender. */
export type Reached = (typeof reachedResults)[number]
export const reachedResults = ['ok', 'declined', 'refused', 'timeout', 'greeting', 'tls', 'identity', 'error'] as const

/** What a backend was asked, as the metrics name it. */
export type Asked = 'connect' | 'hello' | 'mail' | 'rcpt' | 'data' | 'dot' | 'other'

/** How a connection to a backend is to be used, now that it stands. */
export interface Attempt {
  /** The client's identity is passed by XCLIENT, which is part of the dialogue; all else is the driver's. */
  readonly xclient: boolean
  /** STARTTLS: not tried; tried if it is offered; the connection is of no use without. */
  readonly tls: 'off' | 'opportunistic' | 'required'
}

/**
 * All that a session can do to the world. The driver of the sockets implements it; tests record it.
 *
 * A port never calls back into its session from within one of these calls: what follows (an answer, an end) comes as a later
 * input of its own. So one input is worked off whole before the next, and nothing is queued.
 */
export interface Port {
  /** So much waits to be sent to the client that its next command has to wait; `resume` follows once it has taken it. */
  readonly isFull: boolean
  /** To the client: whole lines, latin1. */
  send(text: string): void
  ask(ask: Ask): void
  /**
   * Connects to a backend of the group (null: the default one) with the client's identity; then comes `opened` or
   * `backendGone`.
   */
  open(group: string | null): void
  /**
   * Lets the present attempt go and begins the next: another backend of the group, or the same without a TLS that failed;
   * then as after `open`. False: none is left; the present one may be let go already, and `abandon`, which follows, ends it in any case.
   */
  reopen(): boolean
  /** What was sent goes out, and TLS begins on the client's side: then comes `secured` or `broken`. */
  secureClient(): void
  /** TLS begins on the backend's side; then comes `backendSecured` or `backendGone`. */
  secureBackend(): void
  /** To the backend: whole command lines, latin1. */
  command(text: string): void
  /** To the backend: octets of a message, or of TLS that is none of ours. */
  message(octets: Uint8Array): void
  /** To the client: octets of TLS that is none of ours. */
  octets(octets: Uint8Array): void
  /** How an attempt to reach the backend ended: for the counters. */
  reached(result: Reached): void
  /** The backend took so many milliseconds to answer: for the counters. */
  replied(to: Asked, wait: number): void
  /** Takes a place for a client to be trapped; false: there is none for one of so little suspicion. */
  trap(suspicion: number): boolean
  /** So many octets were said to a trapped client, or read of it. */
  trapped(octets: number): void
  /** Drops the connection to the backend at once: whatever is unfinished stays unfinished. */
  abandon(): void
  /** Closes the client's connection once what was sent is out. */
  close(): void
  /** The session is over; called once. Log it, count it, remember what was learnt. */
  concluded(session: Session): void
}
