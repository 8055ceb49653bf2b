import { CR, LF, latin1 } from './octets.ts'
import { Unfinished } from './unfinished.ts'

/** A whole reply, as it came: `text` holds every line with its CRLF (RFC 5321 4.2). */
export interface Reply {
  readonly code: number
  readonly text: string
}

/** What a backend may send as one reply before it is taken for broken (RFC 5321 4.5.3.1.5 allows 512 a line). */
const limits = { line: 4096, lines: 100, octets: 65_536 } as const

export const isPositive = (reply: Reply): boolean => reply.code >= 200 && reply.code < 300
export const isNegative = (reply: Reply): boolean => reply.code >= 400

/**
 * Cuts a backend's octets into replies. Strict, because front and back must never disagree about where a reply ends: three
 * digits, the same in every line, a hyphen or a space (or nothing), CRLF and no other CR. Anything else is `malformed`, for
 * good.
 */
export class ReplyReader {
  malformed = false
  private readonly partial = new Unfinished()
  private lines = ''
  private count = 0
  private code = -1

  /** Gives the whole replies that end in these octets, in order. */
  read(octets: Uint8Array): readonly Reply[] {
    const replies: Reply[] = []
    let at = 0
    while (at < octets.length && !this.malformed) {
      const end = octets.indexOf(LF, at)
      const stop = end < 0 ? octets.length : end + 1
      if (this.partial.length + stop - at > limits.line) {
        this.malformed = true
        break
      }
      const isWhole = end >= 0 && this.partial.length === 0
      const whole = isWhole ? latin1(octets, at, stop) : null
      if (whole === null) this.partial.append(octets, at, stop)
      at = stop
      if (end < 0) break
      const reply = this.line(whole ?? this.partial.take())
      if (reply !== null) replies.push(reply)
    }
    return replies
  }

  /** Whether a reply has begun and not ended. */
  get midReply(): boolean {
    return this.partial.length > 0 || this.count > 0
  }

  private line(line: string): Reply | null {
    const mark = line.charCodeAt(3)
    const code = codeOf(line)
    const ends = mark === 0x20 || mark === CR
    const isOne = line.indexOf('\r') === line.length - 2
    if (code < 0 || (this.code >= 0 && code !== this.code) || !(ends || mark === 0x2d) || !isOne) {
      this.malformed = true
      return null
    }
    this.count++
    this.lines += line
    if (!ends) {
      this.code = code
      if (this.count >= limits.lines || this.lines.length > limits.octets) this.malformed = true
      return null
    }
    const text = this.lines
    this.lines = ''
    this.count = 0
    this.code = -1
    return { code, text }
  }
}

function codeOf(line: string): number {
  const first = line.charCodeAt(0) - 0x30
  const second = line.charCodeAt(1) - 0x30
  const third = line.charCodeAt(2) - 0x30
  if (!(first >= 2 && first <= 5 && second >= 0 && second <= 9 && third >= 0 && third <= 9)) return -1
  return first * 100 + second * 10 + third
}

/** The text of a reply without codes, on one line, for the log. */
export function replyText(reply: Reply): string {
  return reply.text.trimEnd().replace(/\r\n\d{3}[- ]?/g, ' ')
}

/** The code of RFC 3463 that the first line says, as `5.1.1`; null: none. */
export function enhancedCode(reply: Reply): string | null {
  return /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})(?![\d.])/.exec(reply.text)?.[1] ?? null
}

/** The backend's own name for an accepted message: Postfix `queued as X`, Exim `id=X`, Sendmail and OpenSMTPD `X Message accepted`. */
export function queueId(reply: Reply): string | null {
  const found = /queued as <?([\w.-]{3,64})|\bid=([\w-]{3,64})|2\.0\.0 ([\w.-]{3,64}) Message accepted/.exec(reply.text)
  return found?.[1] ?? found?.[2] ?? found?.[3] ?? null
}
