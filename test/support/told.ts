import type { BackendView } from './backend-view.ts'
import { type Item, isUnusable, type StreamView } from './client-view.ts'
import { secretsIn } from './log-model.ts'
import { normalised } from './message-model.ts'
import { meet } from './met.ts'

/** Verbs that no client's line may carry to a backend. */
export const forbidden =
  /^(?:XCLIENT|XFORWARD|X-CONNECT|PROXY|TURN|ATRN|XTURN|BURL|XEXCH50|X-LINK2STATE|X-EXPS)(?:[ \t]|$)/i

/** RCPT for those who hear of what is refused by mistake (RFC 5321 4.5.1, RFC 2142 2). */
const reachable = /^RCPT[ \t]+TO:[ \t]*<?(?:postmaster|abuse)(?:@[^@>]*)?(?:[> \t]|$)/i

/** Where a reply was heard, and what the backend has said to that item itself; null: nothing. */
interface Heard {
  readonly client: StreamView
  readonly backend: BackendView | null
  readonly said: string | null
}

/** What the client has said that still counts, going by the replies that it has heard: what both servers must agree about. */
export class Told {
  /** TLS stands with the client. */
  tls = false
  hello: string | null = null
  /** The MAIL of the transaction in progress; null: there is none. */
  mail: string | null = null
  /** The chunks of the message in progress, as the client sent them. */
  chunks = ''
  loggedIn = false
  /** Answers in the present exchange of AUTH. */
  rounds = 0
  /** How often a transaction has begun or ended. */
  transactions = 0
  /** The transaction in which somebody was reached who always is; -1: none. */
  private pardoned = -1
  /** Messages that the client has heard 2xx for. */
  acknowledged = 0
  /** What every RCPT of this transaction is answered, because no backend would have it; null: nothing of the kind. */
  declined: string | null = null
  /** What the client has sent for passwords. */
  readonly secrets: string[] = []
  /** Why the session may not go on behind the input being worked off. */
  mustClose: string | null = null

  /** Whether a client of this verdict may be let in with a line; notes that it is, where only for its recipient. */
  mayEnter(action: string, line: string): boolean {
    if (action === 'none') return true
    if (action === 'trap' || action === 'drop' || !reachable.test(line)) return false
    this.pardoned = this.transactions
    meet('postmaster of one who failed')
    return true
  }

  /** Whether the message of a client of this verdict may go over: it has failed, but its recipient is always reached. */
  mayWrite(action: string): boolean {
    return action === 'none' || (this.isPardoned && action !== 'trap' && action !== 'drop')
  }

  get isPardoned(): boolean {
    return this.pardoned === this.transactions
  }

  /** What the reply to an item makes of it. */
  follow(item: Item, text: string, { client, backend, said }: Heard): void {
    const code = Number(text.slice(0, 3))
    const good = code >= 200 && code < 300
    this.secrets.push(...secretsIn(item))
    if (code === 421) this.mustClose = '421'
    if (code === 553) meet('address of 8 bit refused')
    if (text.startsWith('452 4.5.3 Error: too many')) meet('recipient of another group put off')
    if (isUnusable(item)) this.mustClose = 'octets behind an unusable count'
    if (code === 500 && item.kind === 'line' && item.verb === '' && item.line !== '') meet('line of no text refused')
    if (item.kind === 'message') this.followMessage(item.content, good)
    else if (item.kind === 'chunk') this.followChunk(item, good, said === null, backend?.midMessage === true)
    else if (item.kind === 'response') this.followResponse(code)
    else this.followLine(item, code, client)
  }

  private followLine({ verb, line }: Item & { readonly kind: 'line' }, code: number, client: StreamView): void {
    const good = code >= 200 && code < 300
    const isData = verb === 'DATA' && line.length <= client.limit
    if (isData && code !== 354 && client.hasTalk()) this.mustClose = 'octets behind a refused DATA'
    if (verb === 'AUTH') {
      this.rounds = 0
      this.loggedIn ||= good
      if (good) meet('logged in at once')
    }
    if (verb === 'STARTTLS' && code === 220) this.forget()
    if (forbidden.test(line)) meet('forbidden verb refused')
    if (!good || !['EHLO', 'HELO', 'MAIL', 'RSET'].includes(verb)) return
    this.declined = null
    this.transactions++
    if (verb === 'RSET' && this.chunks !== '') meet('RSET amid chunks')
    this.chunks = ''
    this.mail = verb === 'MAIL' ? line : null
    if (verb === 'EHLO' || verb === 'HELO') this.hello = line
  }

  private followResponse(code: number): void {
    const good = code >= 200 && code < 300
    this.rounds++
    this.loggedIn ||= good
    meet(code === 334 ? 'next round of AUTH' : good ? 'logged in by an answer' : 'login refused')
  }

  private followMessage(content: string, good: boolean): void {
    meet(good ? 'message accepted' : 'message refused')
    if (good && content !== normalised(content)) meet('message mended')
    this.endMessage(good)
  }

  /** `swallowed`: it never came to a backend, and changes nothing but what the client has heard. */
  private followChunk(
    item: Item & { readonly kind: 'chunk' },
    good: boolean,
    swallowed: boolean,
    midMessage: boolean,
  ): void {
    const isOver = !swallowed && (item.last || !good)
    meet(swallowed ? 'chunk swallowed' : isOver ? 'last chunk answered' : 'chunk answered')
    if (item.size === 0) meet('chunk of no octets')
    // A message with a hole in it is another message.
    if (swallowed && midMessage) this.mustClose = 'a chunk of a message was swallowed'
    if (!swallowed) this.chunks += item.content
    if (isOver) this.endMessage(good)
  }

  private endMessage(good: boolean): void {
    if (good && ++this.acknowledged === 2) meet('a second message accepted')
    this.mail = null
    this.chunks = ''
    this.declined = null
    this.transactions++
  }

  /** TLS begins on the client's side: nothing of what was said before counts (RFC 3207 4.2). */
  private forget(): void {
    this.hello = null
    this.mail = null
    this.chunks = ''
    this.loggedIn = false
    this.declined = null
    this.transactions++
  }
}
