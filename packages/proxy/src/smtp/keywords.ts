import { neverPassed } from './command.ts'
import { isPositive, type Reply } from './reply.ts'

/**
 * EHLO keywords that a backend may offer and the gate never passes on: those of verbs that it does not, and, with the reason,
 *  - PIPECONNECT, X_PIPE_CONNECT: Exim, when it comes again, would speak before the greeting.
 *  - PRDR: several replies to one end of data.
 */
const withheld: ReadonlySet<string> = new Set([...neverPassed, 'PIPECONNECT', 'X_PIPE_CONNECT', 'PRDR'])

/** What a session may offer its client of a backend's keywords. */
export interface View {
  /** Given to known clients only, so that not waiting stays a sign. */
  readonly pipelining: boolean
  /** `own`: the gate ends TLS; `backend`: it is the backend's, if it offers it; `none`: not offered, or in force. */
  readonly starttls: 'none' | 'own' | 'backend'
  readonly auth: boolean
  /** The client's side is under TLS: without it nobody may ask that the message stays so (RFC 8689 2). */
  readonly tls: boolean
  /** Keywords in capitals that the operator keeps back. */
  readonly withhold: ReadonlySet<string>
}

/** At most this many keywords are kept, each at most this long. */
const limits = { keywords: 50, length: 500 } as const

/** The keyword lines of an EHLO reply, without the first line, as the backend wrote them. */
export function keywordLines(reply: Reply): readonly string[] {
  return reply.text
    .split('\r\n')
    .slice(1)
    .map(line => line.slice(4).trim())
    .filter(line => line !== '' && line.length <= limits.length)
    .slice(0, limits.keywords)
}

/** Whether a reply to EHLO offers a keyword, in capitals. */
export const offersKeyword = (reply: Reply, keyword: string): boolean =>
  isPositive(reply) &&
  reply.text.toUpperCase().includes(keyword) &&
  keywordLines(reply).some(line => keywordOf(line) === keyword)

/** The largest message that is taken by who offers these lines (RFC 1870 4), octets; null: there is no limit among them. */
export function sizeLimitOf(lines: readonly string[]): number | null {
  const line = lines.find(line => keywordOf(line) === 'SIZE')
  const limit = Number(/^SIZE[ =](\d{1,20})$/i.exec(line ?? '')?.[1] ?? 0)
  return limit === 0 ? null : limit
}

/** The first word of a keyword line in capitals; old servers write `AUTH=LOGIN`. */
export function keywordOf(line: string): string {
  return (line.split(/[ =]/, 1)[0] ?? '').toUpperCase()
}

/** What the gate offers of a backend's keywords. */
export function offered(lines: readonly string[], view: View): readonly string[] {
  const offers: string[] = []
  for (const line of lines) {
    const keyword = keywordOf(line)
    if (!isOffered(keyword, view)) continue
    const mended = keyword === 'AUTH' ? withMechanisms(line) : line
    if (mended !== null) offers.push(mended)
  }
  const own = view.starttls === 'own' && !view.withhold.has('STARTTLS')
  const listed = offers.some(line => keywordOf(line) === 'STARTTLS')
  return own && !listed ? [...offers, 'STARTTLS'] : offers
}

function isOffered(keyword: string, view: View): boolean {
  if (withheld.has(keyword) || view.withhold.has(keyword)) return false
  switch (keyword) {
    case 'PIPELINING':
      return view.pipelining
    case 'STARTTLS':
      return view.starttls !== 'none'
    case 'AUTH':
      return view.auth
    case 'REQUIRETLS':
      return view.tls
    default:
      return true
  }
}

/**
 * The mechanisms that work although TLS ends here: EXTERNAL means the client's certificate, and -PLUS the TLS channel, and
 * the backend sees neither. null: none is left.
 */
function withMechanisms(line: string): string | null {
  const mechanisms = line
    .slice(5)
    .split(' ')
    .filter(name => name !== '' && !/^EXTERNAL$|-PLUS$/i.test(name))
  return mechanisms.length === 0 ? null : `${line.slice(0, 5)}${mechanisms.join(' ')}`
}

/** An EHLO reply: `first` is the server's name and greeting. */
export function ehloReply(first: string, keywords: readonly string[]): string {
  const lines = [first, ...keywords]
  return lines.map((line, i) => `250${i === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join('')
}

/** A backend's own EHLO reply with the keywords that are withheld taken out; its first line stays as it was. */
export function filterEhlo(reply: Reply, view: View): string {
  const first = (reply.text.split('\r\n', 1)[0] ?? '').slice(4)
  return ehloReply(first, offered(keywordLines(reply), view))
}
