import type { Reply } from './reply.ts'

/**
 * EHLO keywords that a backend may offer and the gate does not pass on, with the reason.
 *  - XCLIENT, XFORWARD: they are the gate's to use; from a client they would forge its address.
 *  - STARTTLS, REQUIRETLS: the dialogue is in clear up to the gate.
 *  - AUTH: its exchange has lines that are no commands.
 *  - CHUNKING, BINARYMIME, BURL: message octets that do not end in CRLF . CRLF.
 *  - PIPECONNECT: it invites Exim to send EHLO before the greeting when it comes again. PRDR: several replies to one end of data.
 *  - TURN, ATRN: they turn the roles round. ETRN comes without a recipient, so that no backend is open to answer it.
 *  - PIPELINING: given to known clients only, so that not waiting stays a sign.
 */
const withheld: ReadonlySet<string> = new Set([
  'XCLIENT',
  'XFORWARD',
  'STARTTLS',
  'REQUIRETLS',
  'AUTH',
  'CHUNKING',
  'BINARYMIME',
  'BURL',
  'PIPECONNECT',
  'PRDR',
  'TURN',
  'ATRN',
  'ETRN',
  'PIPELINING',
])

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

/** The first word of a keyword line in capitals; old servers write `AUTH=LOGIN`. */
export function keywordOf(line: string): string {
  return (line.split(/[ =]/, 1)[0] ?? '').toUpperCase()
}

/** What the gate offers of a backend's keywords; PIPELINING only where `pipelining`. */
export function offered(lines: readonly string[], pipelining: boolean): readonly string[] {
  return lines.filter(line => {
    const keyword = keywordOf(line)
    return keyword === 'PIPELINING' ? pipelining : !withheld.has(keyword)
  })
}

/** An EHLO reply: `first` is the server's name and greeting. */
export function ehloReply(first: string, keywords: readonly string[]): string {
  const lines = [first, ...keywords]
  return lines.map((line, i) => `250${i === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join('')
}

/** A backend's own EHLO reply with the keywords that are withheld taken out; its first line stays as it was. */
export function filterEhlo(reply: Reply, pipelining: boolean): string {
  const first = (reply.text.split('\r\n', 1)[0] ?? '').slice(4)
  return ehloReply(first, offered(keywordLines(reply), pipelining))
}
