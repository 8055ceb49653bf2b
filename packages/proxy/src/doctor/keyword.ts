import { keywordOf, offered } from '../smtp/keywords.ts'

/** Why the gate does not pass a keyword on, in a few words. */
const reasons: Readonly<Record<string, string>> = {
  XCLIENT: "the gate's own",
  XFORWARD: "the gate's own",
  STARTTLS: 'TLS ends at the gate',
  REQUIRETLS: 'needs TLS all the way',
  AUTH: 'its exchange has lines that are no commands',
  CHUNKING: 'messages are read to CRLF . CRLF',
  BINARYMIME: 'messages are read to CRLF . CRLF',
  BURL: 'messages are read to CRLF . CRLF',
  TURN: 'it turns the roles round',
  ATRN: 'it turns the roles round',
  ETRN: 'it comes without a recipient',
  PIPELINING: 'for known clients only',
}

/** The keywords of a backend: those that clients are offered, and those that are withheld and why. */
export function keywordText(lines: readonly string[]): string {
  const passed = offered(lines, false)
  const withheld = lines.filter(line => !passed.includes(line)).map(keywordOf)
  const offer = passed.length === 0 ? 'none' : passed.join(', ')
  if (withheld.length === 0) return offer
  // One reason for several of them is said once.
  const byReason = new Map<string, string[]>()
  for (const keyword of withheld) {
    const reason = reasons[keyword] ?? 'not carried'
    byReason.set(reason, [...(byReason.get(reason) ?? []), keyword])
  }
  const parts = [...byReason].map(([reason, keywords]) => `${keywords.join(' ')} (${reason})`)
  return `${offer}; withheld: ${parts.join(', ')}`
}
