import { parseAddress } from './address.ts'

/** The numbers that an octet may be: one or more ranges, both ends included. */
export type OctetPattern = readonly { readonly from: number; readonly to: number }[]

/** A DNS list, and how its answers are read. The same domain may stand several times, with different answers and weights. */
export interface DnsblZone {
  /** The domain that is asked, in lower case and without a final dot. May hold a secret key: never shown to clients. */
  readonly zone: string
  /** The public name, used in replies. */
  readonly name: string
  /** What a listing adds to the rank; negative for a list of good clients. Never 0. */
  readonly weight: number
  /** Four patterns, one for each octet of an answer that counts; null: any answer counts. */
  readonly answers: readonly OctetPattern[] | null
}

const heaviest = 1000

/** What of 253 octets (RFC 1035 2.3.4) the 32 nibbles of an IPv6 address and their dots leave to the zone. */
const longestZone = 253 - 64

/**
 * Reads `domain[=d.d.d.d][*weight]`, the syntax of postscreen_dnsbl_sites (postconf(5)). Each `d` is a number or a choice
 * `[a;b;c..d]` of numbers and ranges. The weight is 1 unless given. A pattern that no answer can match is a problem.
 */
export function parseZone(text: string): DnsblZone | { readonly problem: string } {
  const parts = /^([^=*]*)(?:=([^*]*))?(?:\*(.*))?$/s.exec(text.trim())
  const zone = (parts?.[1] ?? '').toLowerCase().replace(/\.$/, '')
  if (!isDomain(zone)) return { problem: 'not a domain name' }
  const weightText = parts?.[3] ?? '1'
  const weight = /^[+-]?[0-9]{1,4}$/.test(weightText) ? Number(weightText) : 0
  if (weight === 0 || Math.abs(weight) > heaviest) {
    return { problem: `the weight must be a whole number from -${heaviest} to ${heaviest} and not 0` }
  }
  const pattern = parts?.[2]
  if (pattern === undefined) return { zone, name: zone, weight, answers: null }
  const answers = parseAnswers(pattern)
  if (answers === null)
    return { problem: 'the answers must be four octets, each a number or a choice such as [2;4..8]' }
  if (!canList(answers)) {
    return { problem: 'no answer can match: lists answer 127.x.x.x, where 127.0.0.1 and 127.255.255.x are errors' }
  }
  return { zone, name: zone, weight, answers }
}

/**
 * What one A record says of the client. Only 127.0.0.0/8 can list (RFC 5782 2.1). 127.255.255.x is how lists say that they
 * will not answer this resolver, and 127.0.0.1 how others do, or how a dead list's domain looks; both are errors whatever the
 * zone's own pattern says, as is any address outside 127.0.0.0/8, which is a resolver that lies or a domain that was sold.
 */
export function readAnswer(zone: DnsblZone, addressText: string): 'listed' | 'not_listed' | 'error' {
  const address = parseAddress(addressText)
  if (address === null || address.family !== 4 || address.bits >>> 24 !== 127) return 'error'
  if (address.bits === 0x7f000001 || address.bits >>> 8 === 0x7fffff) return 'error'
  if (zone.answers === null) return 'listed'
  const matches = zone.answers.every((pattern, i) => includes(pattern, (address.bits >>> (24 - 8 * i)) & 255))
  return matches ? 'listed' : 'not_listed'
}

/** The domains to ask, each once however many zones read its answers; in the order of the zones. */
export function distinctDomains(zones: readonly DnsblZone[]): string[] {
  return [...new Set(zones.map(zone => zone.zone))]
}

function isDomain(text: string): boolean {
  if (text.length === 0 || text.length > longestZone) return false
  return text.split('.').every(label => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label))
}

function parseAnswers(text: string): OctetPattern[] | null {
  const octet = '([0-9]{1,3}|\\[[0-9;.]{1,1024}\\])'
  const parts = new RegExp(`^${octet}\\.${octet}\\.${octet}\\.${octet}$`).exec(text)
  if (parts === null) return null
  const patterns: OctetPattern[] = []
  for (const part of parts.slice(1)) {
    const pattern = parseOctet(part)
    if (pattern === null) return null
    patterns.push(pattern)
  }
  return patterns
}

function parseOctet(text: string): OctetPattern | null {
  const choices = text.startsWith('[') ? text.slice(1, -1).split(';') : [text]
  const ranges: { from: number; to: number }[] = []
  for (const choice of choices) {
    const ends = /^([0-9]{1,3})(?:\.\.([0-9]{1,3}))?$/.exec(choice)
    if (ends === null) return null
    const from = Number(ends[1])
    const to = Number(ends[2] ?? ends[1])
    if (from > to || to > 255) return null
    ranges.push({ from, to })
  }
  return ranges
}

function includes(pattern: OctetPattern, octet: number): boolean {
  return pattern.some(range => range.from <= octet && octet <= range.to)
}

/** Whether an answer that is not an error can match. */
function canList(answers: readonly OctetPattern[]): boolean {
  const isOnly = (i: number, octet: number) => (answers[i] ?? []).every(r => r.from === octet && r.to === octet)
  if (!includes(answers[0] ?? [], 127)) return false
  return !(isOnly(1, 255) && isOnly(2, 255)) && !(isOnly(1, 0) && isOnly(2, 0) && isOnly(3, 1))
}
