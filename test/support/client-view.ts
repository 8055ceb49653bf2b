import { readStrictly } from './message-model.ts'

/** What waits for one reply: a command line, or a message with its end. */
export type Item =
  | { readonly kind: 'line'; readonly line: string; readonly verb: string; readonly octets: number }
  | { readonly kind: 'message'; readonly content: string; readonly octets: number }

/**
 * The client's stream as a strict server sees it: lines, until the reply 354 to DATA; then a message, to its CRLF . CRLF. A
 * command may end in a bare LF, because nothing of the ending is passed on.
 */
export class StreamView {
  greeted = false
  inMessage = false
  /** Octets that came and are not yet answered. */
  waiting = ''
  /** The message that was answered last. */
  private lastMessage = ''

  receive(text: string): void {
    this.waiting += text
  }

  /** The oldest item without a reply; null: it has not come whole. */
  item(): Item | null {
    if (this.inMessage) {
      const message = readStrictly(this.waiting)
      return message === null ? null : { kind: 'message', content: message.content, octets: message.behind }
    }
    const end = this.waiting.indexOf('\n')
    if (end < 0) return null
    const line = this.waiting.slice(0, end).replace(/\r$/, '')
    // A line that is no line of text is no command, whatever it begins with.
    const isText = /^[\t -~\x80-\xff]*$/.test(line)
    const verb = isText ? (line.split(/[ \t]/, 1)[0]?.toUpperCase() ?? '') : ''
    return { kind: 'line', line, verb, octets: end + 1 }
  }

  answered(item: Item, code: number): void {
    if (item.kind === 'message') this.lastMessage = this.waiting.slice(0, item.octets)
    this.waiting = this.waiting.slice(item.octets)
    this.inMessage = item.kind === 'line' && item.verb === 'DATA' && code === 354
  }

  /** The octets of the message in progress, or of the last. */
  get message(): string {
    return this.inMessage ? this.waiting : this.lastMessage
  }

  hasTalk(): boolean {
    return /[^\r\n]/.test(this.waiting)
  }
}
