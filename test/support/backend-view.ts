import assert from 'node:assert/strict'
import type { Item, Mode, StreamView } from './client-view.ts'
import { assertOneEnd, normalised, readStrictly } from './message-model.ts'

/** Something that the backend answers once. */
export type Request =
  | { readonly kind: 'connect' }
  | { readonly kind: 'line'; readonly line: string; readonly verb: string }
  | { readonly kind: 'chunk'; readonly size: number; readonly last: boolean }
  | { readonly kind: 'response'; readonly line: string }
  | { readonly kind: 'message' }

export interface Exchange {
  readonly request: Request
  reply: string | null
  /** The client has had it, or another in its place, or it was never the client's: it answers nothing else. */
  heard: boolean
}

/** How the connection is used, as the session was told. */
interface Use {
  readonly xclient: boolean
  readonly tls: 'off' | 'opportunistic' | 'required'
}

/**
 * One connection to a backend, as a strict server at its other end reads it: what it was asked, what it answered to which, and
 * the message, chunk or exchange in progress. What it is given is read by its own count.
 */
export class BackendView {
  /** null: the connection does not stand yet. */
  use: Use | null = null
  mode: Mode | 'chunk' = 'command'
  /** TLS stands. */
  secured = false
  /** It was given the command that it was opened for. */
  asked = false
  /** It has answered that, or greeted the client: from here every reply is its own. */
  relaying = false
  /** It has taken a recipient of this transaction. */
  hasRecipient = false
  /** It was asked for a recipient of this transaction. */
  hasAsked = false
  /** It has taken the first chunks of a message, and not its last. */
  midMessage = false
  /** What it was given, and has said, since STARTTLS was passed through. */
  given = ''
  spoken = ''
  readonly exchanges: Exchange[] = [{ request: { kind: 'connect' }, reply: null, heard: false }]
  private written = ''
  private left = 0
  private last = false
  /** What it said before it was asked, or has not said whole. */
  private unread = ''
  private malformed = false
  private goodbye: string | null = null
  /** Its 2xx to the message that it has just taken. */
  accepted: string | null = null

  /** The request that it has not answered; null: it has nothing to say. */
  get outstanding(): Request | null {
    const last = this.exchanges.at(-1)
    return last?.reply === null && this.mode !== 'handshake' ? last.request : null
  }

  /** It has said more than it was asked. */
  get ahead(): boolean {
    return this.unread !== ''
  }

  lines(): readonly string[] {
    return this.exchanges.flatMap(({ request }) => (request.kind === 'line' ? [request.line] : []))
  }

  /** A line: a command, or an answer in the exchange of AUTH. */
  write(line: string): void {
    assert.ok(this.use !== null, 'a command before the connection')
    assert.ok(this.mode === 'command' || this.mode === 'response', `a command in a ${this.mode}`)
    if (this.mode === 'response') {
      this.mode = 'command'
      return this.ask({ kind: 'response', line })
    }
    const verb = line.split(/[ \t]/, 1)[0]?.toUpperCase() ?? ''
    if (verb !== 'BDAT') return this.ask({ kind: 'line', line, verb })
    // Servers differ in how they read anything else: octal, with a sign, with something behind.
    const count = /^BDAT (0|[1-9]\d*)( LAST)?$/i.exec(line)
    assert.ok(count !== null, 'a count that servers may read in two ways')
    assert.ok(this.hasRecipient, 'a chunk to a server that has no recipient')
    assert.equal(this.outstanding, null, 'a chunk before the reply to the last')
    assert.equal(this.unread, '', 'a chunk although a reply to nothing waits')
    this.left = Number(count[1])
    this.last = count[2] !== undefined
    this.written = ''
    this.mode = 'chunk'
    this.endChunk()
  }

  private ask(request: Request): void {
    assert.equal(this.outstanding, null, 'a command before the reply to the last')
    assert.equal(this.unread, '', 'a command although a reply to nothing waits')
    if (request.kind === 'line' && request.verb === 'RCPT') this.hasAsked = true
    this.exchanges.push({ request, reply: this.goodbye, heard: !this.asked })
  }

  /** Octets of a message, of a chunk, or of TLS that is the client's and the backend's. They must be the client's. */
  data(text: string, client: StreamView): void {
    if (this.mode === 'chunk') return this.piece(text, client)
    if (this.mode === 'spliced') {
      this.given += text
      assert.ok(client.spliced.startsWith(this.given), 'other octets than the client sent')
      return
    }
    assert.equal(this.mode, 'message', 'a message that was not asked for')
    this.written += text
    if (!this.written.endsWith('.\r\n')) return
    const read = readStrictly(this.written)
    if (read === null) return
    assert.equal(read.behind, this.written.length, 'octets behind the end')
    const item = client.item()
    assert.ok(item?.kind === 'message', 'an end that the client did not send')
    assert.equal(read.content, normalised(item.content), 'another message')
    assertOneEnd(this.written, 'message')
    this.mode = 'command'
    this.written = ''
    this.ask({ kind: 'message' })
  }

  private piece(text: string, client: StreamView): void {
    assert.ok(text.length <= this.left, 'octets behind the chunk')
    this.left -= text.length
    this.written += text
    const sent = client.chunk
    assert.ok(sent !== null && sent.last === this.last, 'a chunk that the client did not send')
    assert.equal(sent.size, this.written.length + this.left, 'another count')
    assert.ok(sent.content.startsWith(this.written), 'another chunk')
    this.endChunk()
  }

  private endChunk(): void {
    if (this.left > 0) return
    this.mode = 'command'
    this.ask({ kind: 'chunk', size: this.written.length, last: this.last })
    this.written = ''
  }

  /** What it says; gives the refusals among it. */
  read(text: string): readonly string[] {
    const refusals: string[] = []
    if (this.mode === 'spliced') this.spoken += text
    // Before TLS nothing that it says can be an answer to what follows.
    if (this.mode === 'spliced' || this.mode === 'handshake') return refusals
    this.unread += text
    while (!this.malformed) {
      const whole = /^(?:(\d{3})-[^\r\n]*\r\n)*(\d{3})(?: [^\r\n]*)?\r\n/.exec(this.unread)
      if (whole === null) break
      const reply = whole[0]
      if (!/^[2-5]/.test(reply) || reply.split('\r\n').some(line => line !== '' && line.slice(0, 3) !== whole[2])) {
        this.malformed = true
        break
      }
      this.unread = this.unread.slice(reply.length)
      if (reply[0] === '4' || reply[0] === '5') refusals.push(reply)
      const last = this.exchanges.at(-1)
      if (last === undefined || last.reply !== null) {
        if (whole[2] === '421') this.goodbye = reply
        else {
          this.unread = reply + this.unread
          break
        }
      } else {
        last.reply = reply
        this.note(last.request, reply)
      }
    }
    return refusals
  }

  private note(request: Request, reply: string): void {
    if (this.asked) this.relaying = true
    const good = reply.startsWith('2')
    const verb = request.kind === 'line' ? request.verb : request.kind
    if (verb === 'DATA' && reply.startsWith('354')) this.mode = 'message'
    if ((verb === 'AUTH' || verb === 'response') && reply.startsWith('334')) this.mode = 'response'
    if (verb === 'RCPT' && good) this.hasRecipient = true
    if (request.kind === 'chunk' && good && !request.last) this.midMessage = true
    // A line eight times as long as a reply may have (RFC 5321 4.5.3.1.5) is no reply that anybody must read.
    const isReply = reply.split('\r\n').every(line => line.length <= 4_094)
    const isMessage = request.kind === 'message' || (request.kind === 'chunk' && request.last)
    if (good && isMessage && isReply) this.accepted = reply
    const ends =
      request.kind === 'message' || request.kind === 'chunk' || ['MAIL', 'RSET', 'EHLO', 'HELO'].includes(verb)
    if (!ends || (request.kind === 'line' && !good) || (request.kind === 'chunk' && good && !request.last)) return
    this.hasRecipient = false
    this.hasAsked = false
    this.midMessage = false
  }

  /** Its latest reply, if that answers this very item of the client. */
  answerTo(item: Item): string | null {
    const last = this.exchanges.at(-1)
    if (last === undefined || last.heard || last.request.kind !== item.kind) return null
    if (last.request.kind === 'line' && item.kind === 'line' && last.request.line !== item.line) return null
    return last.reply
  }

  /** The client has been answered. */
  pass(): void {
    const last = this.exchanges.at(-1)
    if (last !== undefined && last.reply !== null) last.heard = true
  }

  /** TLS stands: what was said before is forgotten. */
  secure(): void {
    this.secured = true
    this.mode = 'command'
    this.unread = ''
  }

  /** The connection is dropped: an unfinished message has no end that anybody could find, and is the client's so far. */
  leave(client: StreamView): void {
    if (this.mode !== 'message' || this.written === '') return
    assertOneEnd(`${this.written}A\r\n.\r\n`, 'unfinished')
    const sent = readStrictly(client.message) ?? readStrictly(`${client.message}\r\n.\r\n`)
    const unstuffed = this.written.replace(/(^|\r\n)\./g, '$1')
    assert.ok(normalised(sent?.content ?? '').startsWith(unstuffed), 'the beginning of another message')
  }
}
