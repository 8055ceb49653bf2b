/** Octets of a name without its final dot (RFC 1035 2.3.4, in text). */
const longestName = 253

/** Whether a question can be asked about the name: labels of 1 to 63 printable ASCII characters. One that cannot does not exist. */
export function isQueryName(name: string): boolean {
  if (name.length === 0 || name.length > longestName) return false
  return name.split('.').every(label => /^[ -[\]-~]{1,63}$/.test(label))
}

/** The domain as check_host() begins with it (RFC 7208 4.3): two labels at least, and no address literal; null: none. */
export function fullName(domain: string): string | null {
  const name = withoutDot(domain)
  return name.includes('.') && !name.startsWith('[') && isQueryName(name) ? name : null
}

/** What a domain-spec has become, as a name to ask about; too long a one loses labels on its left (RFC 7208 7.3). null: no name. */
export function targetName(expanded: string): string | null {
  let name = withoutDot(expanded)
  while (name.length > longestName) {
    const dot = name.indexOf('.')
    if (dot < 0) return null
    name = name.slice(dot + 1)
  }
  return isQueryName(name) ? name : null
}

/** Whether the name is the domain, or below it. */
export function isWithin(name: string, domain: string): boolean {
  const [inner, outer] = [withoutDot(name).toLowerCase(), withoutDot(domain).toLowerCase()]
  return inner === outer || inner.endsWith(`.${outer}`)
}

const withoutDot = (name: string): string => (name.endsWith('.') ? name.slice(0, -1) : name)
