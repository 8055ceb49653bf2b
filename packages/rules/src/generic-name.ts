import { type Address, dnsQueryName } from './address.ts'

/** Names that networks give by the thousand to whoever has the address today. */
const words: ReadonlySet<string> = new Set([
  ...['dyn', 'dynamic', 'dynip', 'dhcp', 'pool', 'pools', 'dialup', 'dialin', 'dial', 'ppp', 'pppoe', 'dip', 'isdn'],
  ...['dsl', 'adsl', 'vdsl', 'xdsl', 'sdsl', 'dslb', 'cable', 'catv', 'hsd', 'ftth', 'fttx', 'fttb', 'gpon', 'docsis'],
  ...['broadband', 'wimax', 'gprs', 'lte', 'mobile', 'hotspot', 'wifi', 'residential', 'subscriber', 'subscribers'],
])

/** Words of somebody who means to send mail, or has the address for good: whatever else the name looks like. */
const excuses: ReadonlySet<string> = new Set([
  ...[
    'mail',
    'mailer',
    'mailout',
    'mailgate',
    'mta',
    'mx',
    'smtp',
    'esmtp',
    'email',
    'relay',
    'outbound',
    'bounce',
    'bounces',
  ],
  ...['sender', 'newsletter', 'static', 'fixed', 'sta', 'fix'],
])

/**
 * What in a client's name is as networks number their customers: its address, or a word such as `dhcp`; null: nothing. The
 * registered domain does not count (a company may be called Cable), and a name with `mail` or `static` in it is excused: whoever
 * chose that chose a name.
 */
export function genericSign(name: string, client: Address): string | null {
  const labels = name.toLowerCase().split('.')
  const host = labels.slice(0, -registered(labels)).join('.')
  const tokens = host.match(/[a-z]+/g) ?? []
  if (tokens.some(token => excuses.has(token))) return null
  const address = client.family === 4 ? octetsIn(host, client.text) : groupsIn(host, client)
  if (address !== null) return address
  return tokens.find(token => words.has(token)) ?? null
}

/** How many labels belong to the domain that somebody registered: two, or three below such as co.uk. */
function registered(labels: readonly string[]): number {
  const [top = '', second = ''] = labels.slice(-2).reverse()
  return top.length === 2 && second.length <= 3 ? 3 : 2
}

/** All four octets in any order, or three neighbours of them in theirs or the reverse one; or the 32 bits in one number. */
function octetsIn(host: string, client: string): string | null {
  const octets = client.split('.').map(Number)
  const runs: readonly string[] = host.match(/[0-9]+/g) ?? []
  const numbers = runs.map(run => (run.length <= 3 ? Number(run) : -1))
  for (const want of [octets, [...octets].reverse()]) {
    for (const part of [want.slice(0, 3), want.slice(1)]) {
      const found = numbers.findIndex((_, i) => part.every((octet, k) => numbers[i + k] === octet))
      if (found >= 0) return part.join('-')
    }
    const padded = want.map(octet => `${octet}`.padStart(3, '0')).join('')
    const hex = want.map(octet => octet.toString(16).padStart(2, '0')).join('')
    const decimal = `${Number.parseInt(hex, 16)}`
    if (runs.includes(padded)) return padded
    if (decimal.length >= 8 && runs.includes(decimal)) return decimal
    if (host.includes(hex)) return hex
  }
  const left = [...numbers]
  const isThere = (octet: number) => left.includes(octet) && left.splice(left.indexOf(octet), 1).length > 0
  return octets.every(isThere) ? client.replaceAll('.', '-') : null
}

/** The address as it is written, or its last 64 bits in nibbles, one way or the other. */
function groupsIn(host: string, client: Address): string | null {
  const reversed = dnsQueryName(client).split('.')
  const nibbles = [...reversed].reverse().join('')
  const written = client.text.replaceAll(':', '-')
  const groups = nibbles.match(/.{4}/g) ?? []
  const candidates = [
    written,
    groups.join('-'),
    groups.slice(4).join('-'),
    groups
      .slice(4)
      .map(group => Number.parseInt(group, 16).toString(16))
      .join('-'),
    nibbles.slice(16),
    reversed.slice(0, 16).join('.'),
  ]
  return candidates.find(candidate => candidate.length >= 7 && host.includes(candidate)) ?? null
}
