import assert from 'node:assert/strict'
import type { Item, StreamView } from './client-view.ts'
import { assertOneEnd, normalised, readStrictly } from './message-model.ts'

/** Something that the backend answers once. */
export type Request =
  | { readonly kind: 'connect' }
  | { readonly kind: 'line'; readonly line: string; readonly verb: string }
  | { readonly kind: 'message' }

/**
 * One connection to a backend, as a strict server at its other end sees it: what it was asked, what it answered to which, and
 * the message in progress.
 */
export class BackendView {
  opened = false
  /** It has answered the first RCPT: from here every reply is its own. */
  relaying = false
  inMessage = false
  private readonly requests: { readonly request: Request; reply: string | null }[] = [
    { request: { kind: 'connect' }, reply: null },
  ]
  private written = ''
  /** What it said before it was asked, or has not said whole. */
  private unread = ''
  private malformed = false
  private goodbye: string | null = null

  /** The request that it has not answered; null: it has nothing to say. */
  get outstanding(): Request | null {
    const last = this.requests.at(-1)
    return last?.reply === null ? last.request : null
  }

  /** It has answered the last request with 2xx, and the connection with 220. */
  lastWasGood(): boolean {
    const last = this.requests.at(-1)
    return (last?.request.kind === 'connect' ? /^220/ : /^2/).test(last?.reply ?? '')
  }

  lines(): readonly string[] {
    return this.requests.flatMap(({ request }) => (request.kind === 'line' ? [request.line] : []))
  }

  write(request: Request): void {
    assert.ok(this.opened, 'a command before the connection')
    assert.ok(!this.inMessage, 'a command in a message')
    this.ask(request)
  }

  private ask(request: Request): void {
    assert.equal(this.outstanding, null, 'a command before the reply to the last')
    assert.equal(this.unread, '', 'a command although a reply to nothing waits')
    this.requests.push({ request, reply: this.goodbye })
  }

  /** Octets of a message. Its end must be the client's, and the message the client's. */
  data(text: string, client: StreamView): void {
    assert.ok(this.inMessage, 'a message that was not asked for')
    this.written += text
    if (!this.written.endsWith('.\r\n')) return
    const read = readStrictly(this.written)
    if (read === null) return
    assert.equal(read.behind, this.written.length, 'octets behind the end')
    const item = client.item()
    assert.ok(item?.kind === 'message', 'an end that the client did not send')
    assert.equal(read.content, normalised(item.content), 'another message')
    assertOneEnd(this.written, 'message')
    this.inMessage = false
    this.written = ''
    this.ask({ kind: 'message' })
  }

  /** What it says; gives the refusals among it. */
  read(text: string): readonly string[] {
    const refusals: string[] = []
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
      const last = this.requests.at(-1)
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
    if (request.kind !== 'line') return
    if (request.verb === 'RCPT') this.relaying = true
    if (request.verb === 'DATA' && reply.startsWith('354')) this.inMessage = true
  }

  /** Its latest reply, if that answers this very item of the client. */
  answerTo(item: Item): string | null {
    const last = this.requests.at(-1)
    if (last === undefined || last.request.kind !== item.kind) return null
    if (last.request.kind === 'line' && item.kind === 'line' && last.request.line !== item.line) return null
    return last.reply
  }

  /** The connection is dropped: an unfinished message has no end that anybody could find, and is the client's so far. */
  leave(client: StreamView): void {
    if (!this.inMessage || this.written === '') return
    assertOneEnd(`${this.written}A\r\n.\r\n`, 'unfinished')
    const sent = readStrictly(client.message) ?? readStrictly(`${client.message}\r\n.\r\n`)
    const unstuffed = this.written.replace(/(^|\r\n)\./g, '$1')
    assert.ok(normalised(sent?.content ?? '').startsWith(unstuffed), 'the beginning of another message')
  }
}
