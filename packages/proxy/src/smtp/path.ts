/** The argument of MAIL or RCPT: the path between its brackets and the parameters behind it, as they came. */
interface PathArgument {
  readonly path: string
  readonly parameters: string
}

/**
 * Reads `FROM:<path> parameters` or `TO:<path> parameters` (RFC 5321 4.1.1.2, 4.1.1.3), as tolerantly as the common servers
 * do: white space after the colon, and a path without brackets. null: not of that form. What is passed on is the client's own
 * line, so nothing depends on the backend's reading it alike, but for `isRecipientOf` below, which is strict.
 */
export function parsePath(keyword: 'FROM' | 'TO', argument: string): PathArgument | null {
  if (argument.slice(0, keyword.length).toUpperCase() !== keyword || argument[keyword.length] !== ':') return null
  let at = keyword.length + 1
  while (argument[at] === ' ' || argument[at] === '\t') at++
  const begin = at
  if (argument[at] === '<') {
    at = endOfBrackets(argument, at)
    if (at < 0) return null
    const behind = argument[at]
    if (behind !== undefined && behind !== ' ' && behind !== '\t') return null
    return { path: argument.slice(begin + 1, at - 1), parameters: argument.slice(at).trim() }
  }
  while (at < argument.length && argument[at] !== ' ' && argument[at] !== '\t') at++
  if (at === begin) return null
  return { path: argument.slice(begin, at), parameters: argument.slice(at).trim() }
}

/** The place behind the `>` that closes the `<` at `at`; brackets in quoted strings do not count. -1: none. */
function endOfBrackets(text: string, at: number): number {
  let quoted = false
  for (let i = at + 1; i < text.length; i++) {
    const character = text[i]
    if (character === '\\' && quoted) i++
    else if (character === '"') quoted = !quoted
    else if (character === '>' && !quoted) return i + 1
  }
  return -1
}

/**
 * Whether a forward-path is, beyond doubt, an address in one of `domains` (lower case). Used where the backend trusts the
 * gate's own address and would relay: so anything that a server may read as an address elsewhere is not one: source routes
 * (`@a:b@c`), `user%elsewhere@ours`, `elsewhere!user@ours`, a second at sign, quotes around any of these. `postmaster`
 * without a domain is everybody's (RFC 5321 4.5.1). And what stands behind must be parameters: where RFC 5322 phrases are
 * taken, `TO:postmaster <user@elsewhere>` is elsewhere.
 */
export function isRecipientOf(domains: ReadonlySet<string>, { path, parameters }: PathArgument): boolean {
  if (!/^(?:[a-z0-9][a-z0-9-]*(?:=[^\s=]+)?(?:[ \t]+|$))*$/i.test(parameters)) return false
  const at = path.indexOf('@')
  if (at < 0) return path.toLowerCase() === 'postmaster'
  if (at === 0 || at !== path.lastIndexOf('@')) return false
  if (/[%!:;,<>()[\]\\"\s]/.test(path)) return false
  return domains.has(path.slice(at + 1).toLowerCase())
}

/** `postmaster` of anywhere (RFC 5321 4.5.1), and `abuse` (RFC 2142 2): they hear of it where mail is refused by mistake. */
export const isAlwaysReachable = (path: string): boolean => /^(?:postmaster|abuse)(?:@[^@]*)?$/i.test(path)

/** The domain of a path: what stands behind its last at sign; empty: it has none. Which server it is for, not whose it is. */
export function domainOf(path: string): string {
  return path.slice(path.lastIndexOf('@') + 1 || path.length)
}

/**
 * Whether a HELO argument is a domain or an address literal (RFC 5321 4.1.1.1, 4.1.3): letters, digits and inner hyphens in
 * labels of 1 to 63, at most 255 in all. One label alone is a domain too; whether it is a useful one is another question.
 */
export function isHelloName(name: string): boolean {
  if (name.length === 0 || name.length > 255) return false
  if (name.startsWith('['))
    return /^\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9a-f:.]{2,45}|(?!IPv6:)[a-z0-9-]{1,30}:[!-Z^-~]{1,200})\]$/i.test(
      name,
    )
  const labels = (name.endsWith('.') ? name.slice(0, -1) : name).split('.')
  return labels.every(label => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(label))
}
