import { commonKeywords, uncommonKeywords } from '../backends/common-keywords.ts'
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
  const passed = passedOn(lines, { auth, withhold })
  const known = new Set(passed.map(keywordOf))
  const withheld = new Map<string, string[]>()
  for (const keyword of lines.map(keywordOf)) {
    if (known.has(keyword)) continue
    const byAuth = keyword === 'AUTH' && auth === 'never' ? 'backend.auth' : undefined
    const reason = hidden.has(keyword) ? 'extensions.withhold' : (byAuth ?? reasons[keyword] ?? 'not carried')
    // One reason for several of them is said once.
    withheld.set(reason, [...(withheld.get(reason) ?? []), keyword])
  }
  const parts = [...withheld].map(([reason, keywords]) => `${keywords.join(' ')} (${reason})`)
  return `${offerText(passed, auth)}${parts.length === 0 ? '' : `; withheld: ${parts.join(', ')}`}`
}

/**
 * The keywords of several servers, by their names: those that clients are offered, which all have, and then those that some have.
 * `differ`: there are such.
 */
export function commonText(
  offers: ReadonlyMap<string, readonly string[]>,
  policy: KeywordPolicy,
): { readonly text: string; readonly differ: boolean } {
  const names = [...offers.keys()]
  const passed = [...offers.values()].map(lines => passedOn(lines, policy))
  const owners = new Map<string, string[]>()
  uncommonKeywords(passed).forEach((lines, i) => {
    for (const line of lines) owners.set(line, [...(owners.get(line) ?? []), names[i] ?? ''])
  })
  const offer = offerText(commonKeywords(passed), policy.auth)
  const rest = [...owners].map(([line, theirs]) => `${line} (${theirs.join(' ')})`)
  const text = rest.length === 0 ? offer : `${offer}; not offered, as not all have it: ${rest.join(', ')}`
  return { text, differ: rest.length > 0 }
}

function passedOn(lines: readonly string[], { auth, withhold }: KeywordPolicy): readonly string[] {
  const view = { pipelining: true, starttls: 'none', auth: auth !== 'never', tls: true } as const
  return offered(lines, { ...view, withhold: new Set(withhold) })
}

function offerText(lines: readonly string[], auth: Login): string {
  return lines.length === 0 ? 'none' : lines.map(line => `${line}${conditionOf(keywordOf(line), auth)}`).join(', ')
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
