import { readStrictly } from './message-model.ts'

/** What waits for one reply: a command line, one with its chunk, an answer in the exchange of AUTH, or a message with its end. */
export type Item =
  | { readonly kind: 'line'; readonly line: string; readonly verb: string; readonly octets: number }
  | (Chunk & { readonly kind: 'chunk'; readonly octets: number })
  | { readonly kind: 'response'; readonly line: string; readonly octets: number }
  | { readonly kind: 'message'; readonly content: string; readonly octets: number }

/** BDAT with what came of its chunk so far. */
interface Chunk {
  readonly line: string
  readonly size: number
  readonly last: boolean
  readonly content: string
}

/** What the next octets of the client are, as its server has it. */
export type Mode = 'command' | 'message' | 'response' | 'handshake' | 'spliced'

/** A line of BDAT whose count nobody can use: what follows it cannot be told from commands (RFC 3030 2). */
export const isUnusable = (item: Item): boolean => item.kind === 'line' && /^BDAT(?:[ \t]|$)/i.test(item.line)

/**
 * The client's stream as a strict server sees it. Lines; behind BDAT as many octets as its count says, whatever they are answered
 * (RFC 3030 2); behind the reply 354 to DATA a message, to its CRLF . CRLF; behind the reply 334 to AUTH one line that is no
 * command (RFC 4954 4); behind 220 to STARTTLS nothing that came before TLS (RFC 3207 4.2). A command may end in a bare LF,
 * because nothing of the ending is passed on.
 */
export class StreamView {
  greeted = false
  mode: Mode = 'command'
  /** STARTTLS is the backend's: what follows it is nobody's to read. */
  passThrough = false
  /** Octets that a command line may have. */
  limit = Number.POSITIVE_INFINITY
  /** Octets that came and are not yet answered. */
  waiting = ''
  /** What came since STARTTLS was passed through. */
  spliced = ''
  /** The message that was answered last. */
  private lastMessage = ''

  receive(text: string): void {
    if (this.mode === 'spliced') this.spliced += text
    else if (this.mode !== 'handshake') this.waiting += text
  }

  /** The oldest item without a reply; null: it has not come whole. */
  item(): Item | null {
    if (this.mode === 'message') {
      const message = readStrictly(this.waiting)
      return message === null ? null : { kind: 'message', content: message.content, octets: message.behind }
    }
    const end = this.waiting.indexOf('\n')
    if (end < 0) return null
    const line = this.waiting.slice(0, end).replace(/\r$/, '')
    if (this.mode === 'response') return { kind: 'response', line, octets: end + 1 }
    const chunk = this.chunk
    if (chunk !== null) {
      if (chunk.content.length < chunk.size) return null
      return { kind: 'chunk', ...chunk, octets: end + 1 + chunk.size }
    }
    // A line that is no line of text is no command, whatever it begins with.
    const isText = /^[\t -~\x80-\xff]*$/.test(line)
    const verb = isText ? (line.split(/[ \t]/, 1)[0]?.toUpperCase() ?? '') : ''
    return { kind: 'line', line, verb, octets: end + 1 }
  }

  /** The BDAT whose turn it is; null: it is something else's. */
  get chunk(): Chunk | null {
    if (this.mode !== 'command' || !/^BDAT/i.test(this.waiting)) return null
    const head = /^(BDAT[ \t]+(\d{1,15})([ \t]+LAST)?[ \t]*)\r?\n/i.exec(this.waiting)
    if (head === null || (head[1]?.length ?? 0) > this.limit) return null
    const size = Number(head[2])
    const content = this.waiting.slice(head[0].length, head[0].length + size)
    return { line: head[1] ?? '', size, last: head[3] !== undefined, content }
  }

  answered(item: Item, code: number): void {
    if (item.kind === 'message') this.lastMessage = this.waiting.slice(0, item.octets)
    this.waiting = this.waiting.slice(item.octets)
    const verb = item.kind === 'line' ? item.verb : item.kind
    this.mode = 'command'
    if (verb === 'DATA' && code === 354) this.mode = 'message'
    if ((verb === 'AUTH' || verb === 'response') && code === 334) this.mode = 'response'
    if (verb !== 'STARTTLS' || code !== 220) return
    this.mode = this.passThrough ? 'spliced' : 'handshake'
    this.waiting = ''
  }

  /** The octets of the message in progress, or of the last. */
  get message(): string {
    return this.mode === 'message' ? this.waiting : this.lastMessage
  }

  hasTalk(): boolean {
    return /[^\r\n]/.test(this.waiting)
  }
}
