/** A line of AUTH, its own or a continuation, may be this long (RFC 4954 4, with its CRLF). */
export const authLine = 12_288

/**
 * The verbs the gate knows. `forbidden` stands for those below that never reach a backend, `unknown` for every other word,
 * `malformed` for a line that is no command at all: empty, over-long, or with control characters in it.
 * Columns: whether the verb may be followed by another command before its reply where PIPELINING was offered (RFC 2920 3.1),
 * and whether a stranger's use of it moves mail on (if not, it counts as junk).
 */
const verbs = {
  EHLO: { group: false, useful: true },
  HELO: { group: false, useful: true },
  MAIL: { group: true, useful: true },
  RCPT: { group: true, useful: true },
  DATA: { group: false, useful: true },
  BDAT: { group: true, useful: true },
  RSET: { group: true, useful: true },
  QUIT: { group: false, useful: true },
  NOOP: { group: false, useful: false },
  VRFY: { group: false, useful: false },
  EXPN: { group: false, useful: false },
  HELP: { group: false, useful: false },
  ETRN: { group: false, useful: false },
  AUTH: { group: false, useful: true },
  STARTTLS: { group: false, useful: true },
  forbidden: { group: false, useful: false },
  unknown: { group: false, useful: false },
  malformed: { group: false, useful: false },
} as const

export type Verb = keyof typeof verbs

/**
 * Verbs that no client's line may carry to a backend, nor a backend's keyword offer to a client, with the reason.
 *  - XCLIENT, XFORWARD, X-CONNECT: they say who the client is, and are the gate's to use; XPROXY, XPROXYFROM, XPROXYTO: the same for
 *    Exchange.
 *  - TURN, ATRN: they turn the roles round.
 *  - BURL, XEXCH50, X-LINK2STATE: message octets, or others, that come neither by DATA nor by BDAT.
 *  - X-EXPS, X-ANONYMOUSTLS: AUTH and STARTTLS by other names.
 */
export const neverPassed = [
  'XCLIENT',
  'XFORWARD',
  'X-CONNECT',
  'TURN',
  'ATRN',
  'BURL',
  'XEXCH50',
  'X-LINK2STATE',
  'X-EXPS',
  'X-ANONYMOUSTLS',
  'XPROXY',
  'XPROXYFROM',
  'XPROXYTO',
] as const

/** Two more that no server offers: PROXY, the header as a command, and XTURN. */
const forbidden = [...neverPassed, 'PROXY', 'XTURN']

const known: ReadonlyMap<string, Verb> = new Map([
  ...(Object.keys(verbs) as Verb[]).filter(verb => verb === verb.toUpperCase()).map(verb => [verb, verb] as const),
  ...forbidden.map(word => [word, 'forbidden'] as const),
])

export interface Command {
  readonly verb: Verb
  /** The whole line as it came, without its ending: what is replayed and relayed, octet for octet. */
  readonly line: string
  /** What stands after the verb and its spaces. */
  readonly argument: string
}

/**
 * Splits a line at its first space or tab, and leaves off those at its end. No other white space is any to a server: a line
 * that ends in octet 160, which is some to JavaScript, ends in a character of the last argument.
 */
export function parseCommand(line: string): Command {
  let end = 0
  while (end < line.length && !isSpace(line, end)) end++
  let start = end
  while (isSpace(line, start)) start++
  let stop = line.length
  while (stop > start && isSpace(line, stop - 1)) stop--
  const verb = known.get(line.slice(0, end).toUpperCase()) ?? 'unknown'
  return { verb, line, argument: line.slice(start, stop) }
}

const isSpace = (line: string, at: number): boolean => line[at] === ' ' || line[at] === '\t'

export const mayBeGrouped = (verb: Verb): boolean => verbs[verb].group
export const isUseful = (verb: Verb): boolean => verbs[verb].useful

/**
 * Whether a line may be passed on: no control character in it, so that one line here is one line there. A tab is white space
 * to every server. Octets above 127 are left to the backend to judge.
 */
export function isClean(line: string): boolean {
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i)
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return false
  }
  return true
}

const otherProtocols: ReadonlySet<string> = new Set([
  'GET',
  'POST',
  'PUT',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  'PATCH',
])

/**
 * A line that no mail client sends as a command: an HTTP request, a header field (`Subject: ...`), or one that does not
 * begin with a letter. An unknown word is not one, nor white space before a command: that is
 * only a client of another age.
 */
export function isNonSmtp(text: string): boolean {
  const line = text.trimStart()
  const first = line.charCodeAt(0)
  const letter = (first >= 0x41 && first <= 0x5a) || (first >= 0x61 && first <= 0x7a)
  if (!letter) return line.trim() !== ''
  let end = 0
  while (end < line.length && isNameOctet(line.charCodeAt(end))) end++
  if (line[end] === ':') return true
  return otherProtocols.has(line.slice(0, end).toUpperCase())
}

const isNameOctet = (code: number): boolean =>
  (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d
