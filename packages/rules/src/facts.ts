import type { BackendReplies } from './backend-word.ts'
import type { DnsblFinding } from './dnsbl.ts'
import type { Grey } from './greylist.ts'
import type { HelloClaim } from './hello.ts'
import type { HelloName } from './hello-name.ts'
import type { Reputes, Standing } from './reputation.ts'
import type { ReverseName } from './reverse-name.ts'
import type { SenderDomain } from './sender-domain.ts'
import type { SpfFinding } from './spf.ts'

/** What the operator's own lists say of the client's address. `none`: it is on neither. */
export type Access = 'none' | 'allow' | 'deny'

/** What is known of one recipient. */
interface RecipientFacts {
  /** The forward-path as it came, without its brackets. */
  readonly path: string
  /** Its domain, lower case; empty: it has none. */
  readonly domain: string
  /** null: it is not greylisted. */
  readonly grey: Grey | null
}

/**
 * What has been observed of one session. One flat object in which every field is there from the start ("not observed yet"
 * has a value of its own); facts only grow, but for `junkCommands`
 * and those about the latest HELO or MAIL, and each is written in one place: by the phase that sees it.
 */
export class Facts {
  /** The client's address, for words that name it. */
  client = ''
  /** It is of private use, or loopback: what the DNS says of it means nothing. */
  clientIsPrivate = false
  /** The operator's lists, looked up before the first octet is sent. */
  access: Access = 'none'

  /** What is remembered of the client's mail; null: not known yet, or not asked. */
  reputes: Reputes | null = null
  /** What follows from that. */
  standing: Standing | null = null

  /** Asked by greylisting to come again, it has lately. */
  cameAgain = false

  /** Which rate the connection is beyond, in words; `over` null: none. null: not known yet, or not asked. */
  rate: { readonly over: string | null } | null = null

  /** Octets that came before the greeting was ours to answer. Stray CR and LF do not count. */
  pregreetBytes = 0
  /** Milliseconds from accept to the first of them. */
  pregreetAfter = 0
  /** The first of them, at most 100, as they came (latin1). */
  pregreetText = ''
  /** The pause before the greeting in milliseconds; 0: this client did not have to wait. */
  greetWait = 0
  /** The pause was sat out to its end. */
  greeted = false

  /** What the DNS lists have answered so far; null before the first answer. */
  dnsbl: DnsblFinding | null = null

  /** What the DNS says of the client's name; null: not known yet, or not asked. */
  reverse: ReverseName | null = null
  /** What in that name is as networks number their customers; null: nothing. */
  genericSign: string | null = null

  /** The argument of the latest HELO or EHLO; null before. */
  hello: string | null = null
  /** The hello argument is neither a domain nor an address literal (RFC 5321 4.1.1.1). */
  helloMalformed = false
  /** What the latest HELO says of who is speaking. */
  helloClaim: HelloClaim = 'name'
  /** The name that the client said first, when it said another later, STARTTLS not between them; null: it did not. */
  helloChangedFrom: string | null = null
  /** The names that it said in its sessions before, lower case, the latest last; null: not known, or it is several machines. */
  helloBefore: readonly string[] | null = null
  /** What the DNS has of the name in the latest HELO; null: not known yet, or not asked. */
  helloName: HelloName | null = null
  /** MAIL came before any HELO. */
  mailBeforeHello = false

  /** The latest reverse-path without its brackets, at most 320 octets; empty: null; null: none yet. */
  sender: string | null = null
  /** MAIL commands that began a transaction. */
  transactions = 0
  /** Recipients asked for since the latest of them, good and bad. */
  recipientsAsked = 0
  /** Whether mail can be sent to that sender; null: not known yet, or not asked. */
  senderDomain: SenderDomain | null = null
  /** What the sender's domain says of the client; null: not known yet, or not asked. */
  spf: SpfFinding | null = null

  /** Command lines so far, good and bad. */
  commands = 0
  /**
   * Commands that do not move mail: unknown, malformed, out of order, NOOP, VRFY, repeated HELO. Counted anew from each message
   * that the backend took, because some libraries send NOOP before each, and a connection may carry many.
   */
  junkCommands = 0
  /** The verb after which the client went on although it had to wait for our reply (RFC 2920 3.1); null: it always waited. */
  aheadAfter: string | null = null
  /** The first octets that came so, at most 100 (latin1). */
  aheadText = ''
  /** Octets that came in the clear behind STARTTLS and were thrown away (RFC 3207 4.2). */
  plaintextDiscarded = 0
  /** The backend has taken the client's login. */
  authenticated = false
  /** A line no SMTP client sends: GET, a header field, binary. null: none. */
  nonSmtpCommand: string | null = null
  /** Command lines and message lines that ended in a LF or a CR alone. */
  bareNewlines = 0
  /** The verb in force when the first of them came (DATA for a message). */
  bareNewlineAfter: string | null = null
  /** NULs in messages sent by DATA; in chunks of BDAT none is counted, as a binary message may have them (RFC 3030 3). */
  nuls = 0
  /**
   * The first line of nothing but a dot within a message whose newlines were not both CRLF, with them, or that had a NUL, as it came
   * (`\n.\r\n`); null: none.
   */
  smuggled: string | null = null

  /** The largest message that has been read to its end, as RFC 1870 5 counts; a mended newline is one octet. 0: none has. */
  messageSize = 0
  /** The largest that the backend says it takes, octets, where one was larger; null: none was, or nothing is said. */
  sizeLimit: number | null = null
  /**
   * Of the message that was larger than its MAIL had declared (RFC 1870 6.1) by the greatest share, and by more than 4 KiB, what was declared
   * and what was sent, octets; null and 0: none was.
   */
  declaredSize: number | null = null
  sentSize = 0
  /** What is not as RFC 5322 has it in the header of the first message of which something is not, in words, `; ` between them; null: nothing. */
  headerFaults: string | null = null

  /** The first recipient asked for that is a trap; null: none was. */
  trapRecipient: string | null = null
  /** The client has asked for one lately, here or at another gate. */
  wasTrapped = false

  /** The recipient that is asked for now; null: none. */
  recipient: RecipientFacts | null = null

  /** What the backend has answered to this client's mail; null: nothing yet. */
  backend: BackendReplies | null = null

  /** The client has spoken a whole HELO/EHLO, MAIL and RCPT: the tests of the dialogue have had their chance. */
  enveloped = false
}
