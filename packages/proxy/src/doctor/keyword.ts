import type { Login } from '../config/config.ts'
import { keywordOf, offered } from '../smtp/keywords.ts'

/** What the operator has said of keywords. */
export interface KeywordPolicy {
  readonly auth: Login
  /** In capitals. */
  readonly withhold: readonly string[]
}

/** Why the gate does not pass a keyword on, in a few words. */
const reasons: Readonly<Record<string, string>> = {
  XCLIENT: "the gate's own",
  XFORWARD: "the gate's own",
  'X-CONNECT': "the gate's own",
  STARTTLS: 'TLS ends at the gate',
  AUTH: 'no mechanism works through TLS that ends at the gate',
  TURN: 'it turns the roles round',
  ATRN: 'it turns the roles round',
}

/** The keywords of a backend: those that clients are offered, some of them or all, and those that are withheld and why. */
export function keywordText(lines: readonly string[], { auth, withhold }: KeywordPolicy): string {
  const hidden = new Set(withhold)
  const passed = offered(lines, {
    pipelining: true,
    starttls: 'none',
    auth: auth !== 'never',
    tls: true,
    withhold: hidden,
  })
  const known = new Set(passed.map(keywordOf))
  const withheld = new Map<string, string[]>()
  for (const keyword of lines.map(keywordOf)) {
    if (known.has(keyword)) continue
    const byAuth = keyword === 'AUTH' && auth === 'never' ? 'backend.auth' : undefined
    const reason = hidden.has(keyword) ? 'extensions.withhold' : (byAuth ?? reasons[keyword] ?? 'not carried')
    // One reason for several of them is said once.
    withheld.set(reason, [...(withheld.get(reason) ?? []), keyword])
  }
  const offer = passed.map(line => `${line}${conditionOf(keywordOf(line), auth)}`).join(', ')
  const parts = [...withheld].map(([reason, keywords]) => `${keywords.join(' ')} (${reason})`)
  return `${offer === '' ? 'none' : offer}${parts.length === 0 ? '' : `; withheld: ${parts.join(', ')}`}`
}

/** To whom alone a keyword is offered. */
function conditionOf(keyword: string, auth: Login): string {
  switch (keyword) {
    case 'PIPELINING':
      return ' (known clients)'
    case 'REQUIRETLS':
      return ' (under TLS)'
    case 'AUTH':
      return auth === 'tls' ? ' (under TLS)' : ''
    default:
      return ''
  }
}
