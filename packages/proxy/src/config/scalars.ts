import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import { domainToASCII } from 'node:url'
import { type OctetPattern, parseZone } from '@sallyport/rules'
import type { Endpoint } from './config.ts'

/**
 * The texts that a value may be written as. A problem is said as what is wrong with the text that was found; it is put into
 * an error after that text, and left out where the text came from the environment or a file and may be a secret.
 */
export type Reading<T> = { readonly value: T } | { readonly problem: string }

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
export const durationPattern = /^[0-9]{1,9}(?:ms|s|m|h|d)$/

/** Reads `50ms`, `6s`, `5m`, `1h`, `30d` as milliseconds. */
export function parseDuration(text: string): Reading<number> {
  const parts = /^([0-9]{1,9})(ms|s|m|h|d)$/.exec(text)
  if (parts === null) return { problem: 'not a number with one unit of ms, s, m, h, d' }
  const unit = units[parts[2] as keyof typeof units]
  return { value: Number(parts[1]) * unit }
}

/** Milliseconds in the largest unit that has no fraction. */
export function formatDuration(wait: number): string {
  for (const name of ['d', 'h', 'm', 's'] as const) {
    if (wait > 0 && wait % units[name] === 0) return `${wait / units[name]}${name}`
  }
  return wait === 0 ? '0s' : `${wait}ms`
}

const multiples = { k: 1024, M: 1024 ** 2, G: 1024 ** 3 } as const
export const sizePattern = /^[0-9]{1,9}[kMG]?$/

/** Reads `512`, `4k`, `8M`, `1G` as octets; a `k` is 1024. */
export function parseSize(text: string): Reading<number> {
  const parts = /^([0-9]{1,9})([kMG]?)$/.exec(text)
  if (parts === null) return { problem: 'not a number of octets with k, M, G or no unit' }
  const multiple = parts[2] === '' ? 1 : multiples[parts[2] as keyof typeof multiples]
  return { value: Number(parts[1]) * multiple }
}

export function formatSize(octets: number): string {
  for (const name of ['G', 'M', 'k'] as const) {
    if (octets > 0 && octets % multiples[name] === 0) return `${octets / multiples[name]}${name}`
  }
  return `${octets}`
}

const noPort = 'it has no port'

/** Reads `192.0.2.1:25`, `[2001:db8::1]:25`, `mail.example.com:25`, or `:25` for every address of this host. */
export function parseEndpoint(text: string, leastPort: 0 | 1): Reading<Endpoint> {
  if (isIP(text) === 6) return { problem: `an IPv6 address needs brackets before its port: [${text}]:25` }
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*)):([0-9]{1,5})$/.exec(text)
  if (parts === null) return { problem: /^[^:]*$|\]$/.test(text) ? noPort : 'not an address and a port' }
  const port = Number(parts[3])
  if (port < leastPort || port > 65_535) return { problem: `a port is a number from ${leastPort} to 65535` }
  const bracketed = parts[1]
  if (bracketed !== undefined) {
    return isIP(bracketed) === 6 ? { value: { host: bracketed, port } } : { problem: 'no IPv6 address in the brackets' }
  }
  const host = parts[2] ?? ''
  if (host === '') return { value: { host: '::', port } }
  if (isIP(host) === 4) return { value: { host, port } }
  // A name whose last label is a number is a mistyped address (RFC 1123 2.1).
  if (/(?:^|\.)[0-9]+$/.test(host)) return { problem: 'not an IP address' }
  const name = parseDomain(host)
  return 'problem' in name ? name : { value: { host: name.value, port } }
}

export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.host === '::') return `:${endpoint.port}`
  return endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`
}

/** Reads the address of a resolver, whose port need not be said, and keeps its text. */
export function parseResolver(text: string): Reading<string> {
  if (isIP(text) !== 0) return { value: text }
  const endpoint = parseEndpoint(text, 1)
  if ('problem' in endpoint) return endpoint.problem === noPort ? { problem: 'not an IP address' } : endpoint
  return isIP(endpoint.value.host) !== 0 && !text.startsWith(':') ? { value: text } : { problem: 'not an IP address' }
}

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?$/

/** Reads a domain as RFC 5321 4.1.2 has it (underscores, which real hosts have, as well) and gives it in lower case. */
export function parseDomain(text: string): Reading<string> {
  const lower = text.toLowerCase()
  if (lower.length > 253) return { problem: 'longer than 253 octets' }
  if (lower.split('.').every(part => label.test(part))) return { value: lower }
  if (/[^\x00-\x7f]/.test(lower)) {
    const ascii = domainToASCII(lower)
    if (ascii !== '') return { problem: `not ASCII: its ASCII form is ${ascii}` }
  }
  return { problem: 'not a domain name' }
}

/** Reads a domain, or `*.` and a domain for all that is below it. */
export function parseRouteDomain(text: string): Reading<string> {
  if (!text.startsWith('*.')) return parseDomain(text)
  const parent = parseDomain(text.slice(2))
  return 'problem' in parent ? parent : { value: `*.${parent.value}` }
}

/** Reads a cipher list of OpenSSL, which must leave at least one cipher. */
export function parseCiphers(text: string): Reading<string> {
  try {
    createSecureContext({ ciphers: text })
    return { value: text }
  } catch {
    return { problem: 'OpenSSL knows no cipher of it' }
  }
}

/** Reads `redis://` and `rediss://` (TLS). The problem says nothing of the text, which may hold a password. */
export function parseRedisUrl(text: string): Reading<string> {
  const scheme = /^rediss?:\/\//.test(text)
  if (!scheme || !URL.canParse(text)) return { problem: 'not a URL that begins with redis:// or rediss://' }
  return new URL(text).hostname === '' ? { problem: 'it names no host' } : { value: text }
}

// A domain that parseZone accepts, to read one part of a zone by itself.
const anyZone = 'example.invalid'

/** Reads the answers that count, `127.0.0.[2..11]`, in postscreen's syntax. */
export function parseAnswers(text: string): Reading<readonly OctetPattern[]> {
  const zone = parseZone(`${anyZone}=${text.replaceAll('*', '?')}`)
  if ('problem' in zone) return zone
  return zone.answers === null ? { problem: 'not a pattern of answers' } : { value: zone.answers }
}

/** Reads the domain of a DNS list alone. */
export function parseZoneDomain(text: string): Reading<string> {
  if (/[=*]/.test(text)) return { problem: 'not a domain name' }
  const zone = parseZone(text)
  return 'problem' in zone ? zone : { value: zone.zone }
}

export function formatAnswers(answers: readonly OctetPattern[]): string {
  return answers.map(formatOctet).join('.')
}

function formatOctet(pattern: OctetPattern): string {
  const ranges = pattern.map(({ from, to }) => (from === to ? `${from}` : `${from}..${to}`))
  const only = pattern.length === 1 && pattern[0]?.from === pattern[0]?.to
  return only ? ranges.join('') : `[${ranges.join(';')}]`
}
