import { type Address, parseAddress } from '../address.ts'
import { type MacroString, parseDomainSpec, parseMacros } from './macro.ts'

/** What a mechanism that matches makes of the check. */
export type Qualifier = '+' | '-' | '~' | '?'

/** Addresses: those that share the first `prefix` bits. */
export interface Range {
  readonly address: Address
  readonly prefix: number
}

/** `domain` null: the one that is checked. */
export type Mechanism =
  | { readonly name: 'all' }
  | { readonly name: 'include'; readonly domain: MacroString }
  | { readonly name: 'exists'; readonly domain: MacroString }
  | {
      readonly name: 'a' | 'mx'
      readonly domain: MacroString | null
      readonly prefix4: number
      readonly prefix6: number
    }
  | { readonly name: 'ptr'; readonly domain: MacroString | null }
  /** ip4 or ip6. Null: an IPv4-mapped IPv6 network, in which no client ever is (RFC 7208 5). */
  | { readonly name: 'ip'; readonly range: Range | null }

interface Directive {
  readonly qualifier: Qualifier
  readonly mechanism: Mechanism
  /** As it was written. */
  readonly text: string
}

export interface SpfRecord {
  readonly directives: readonly Directive[]
  readonly redirect: MacroString | null
  readonly explanation: MacroString | null
}

/** What is wrong with a record; the text is somebody else's, and escaped where it is shown. */
interface RecordProblem {
  readonly problem: string
}

/** A longer record is an error. The largest that are published, with hundreds of networks, are half as long. */
const longestRecord = 8_192

/** Of the TXT records of a name those that are SPF records (RFC 7208 4.5). */
export function selectRecords(texts: readonly string[]): readonly string[] {
  return texts.filter(text => /^v=spf1(?: |$)/i.test(text))
}

/** Reads a whole record; an error anywhere makes all of it useless (RFC 7208 4.6). */
export function parseRecord(text: string): SpfRecord | RecordProblem {
  if (text.length > longestRecord) return { problem: `longer than ${longestRecord} octets` }
  const directives: Directive[] = []
  let redirect: MacroString | null = null
  let explanation: MacroString | null = null
  for (const term of text.split(' ').slice(1)) {
    if (term === '') continue
    const wrong = { problem: `${term.slice(0, 100)}: syntax` }
    const [, sign = '', name = '', equals = '', rest = ''] = /^([-+~?]?)([a-z][a-z0-9_.-]*)(=?)(.*)$/is.exec(term) ?? []
    if (equals !== '') {
      if (sign !== '') return wrong
      const modifier = name.toLowerCase()
      const value = modifier === 'redirect' || modifier === 'exp' ? parseDomainSpec(rest) : parseMacros(rest)
      if (value === null) return wrong
      if (modifier === 'redirect') {
        if (redirect !== null) return { problem: 'redirect= twice' }
        redirect = value
      } else if (modifier === 'exp') {
        if (explanation !== null) return { problem: 'exp= twice' }
        explanation = value
      }
      continue
    }
    const mechanism = parseMechanism(name.toLowerCase(), rest)
    if (mechanism === null) return wrong
    directives.push({ qualifier: (sign || '+') as Qualifier, mechanism, text: term.slice(0, 100) })
  }
  return { directives, redirect, explanation }
}

/** `rest`: what stands behind the name. null: no such mechanism, or its syntax is wrong. */
function parseMechanism(name: string, rest: string): Mechanism | null {
  switch (name) {
    case 'all':
      return rest === '' ? { name } : null
    case 'include':
    case 'exists': {
      const domain = rest.startsWith(':') ? parseDomainSpec(rest.slice(1)) : null
      return domain === null ? null : { name, domain }
    }
    case 'ptr': {
      if (rest === '') return { name, domain: null }
      const domain = rest.startsWith(':') ? parseDomainSpec(rest.slice(1)) : null
      return domain === null ? null : { name, domain }
    }
    case 'a':
    case 'mx':
      return parseHosts(name, rest)
    case 'ip4':
    case 'ip6':
      return parseRange(name, rest)
    default:
      return null
  }
}

/** Behind a or mx: a domain-spec, which may hold slashes, and the lengths. */
const hosts = /^(?::(.*?))?(?:\/(0|[1-9][0-9]{0,2}))?(?:\/\/(0|[1-9][0-9]{0,2}))?$/s
const network = /^:([0-9a-f.:]*)(?:\/(0|[1-9][0-9]{0,2}))?$/i

function parseHosts(name: 'a' | 'mx', rest: string): Mechanism | null {
  const [found, spec, four = '32', six = '128'] = hosts.exec(rest) ?? []
  if (found === undefined || Number(four) > 32 || Number(six) > 128) return null
  const domain = spec === undefined ? null : parseDomainSpec(spec)
  if (spec !== undefined && domain === null) return null
  return { name, domain, prefix4: Number(four), prefix6: Number(six) }
}

function parseRange(name: 'ip4' | 'ip6', rest: string): Mechanism | null {
  const [, written = '', bits] = network.exec(rest) ?? []
  const address = parseAddress(written)
  if (address === null || written.includes(':') !== (name === 'ip6')) return null
  const width = name === 'ip4' ? 32 : 128
  const prefix = Number(bits ?? width)
  if (prefix > width) return null
  const isMapped = name === 'ip6' && address.family === 4
  return { name: 'ip', range: isMapped ? null : { address, prefix } }
}
