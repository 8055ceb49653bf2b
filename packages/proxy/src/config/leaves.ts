import { type Network, parseNetwork } from '@sallyport/rules'
import * as z from 'zod'
import type { Endpoint } from './config.ts'
import * as scalars from './scalars.ts'

/**
 * The kinds of values. Each has a `title` that names it and `examples`; out of these the errors ("use a duration from 0s to
 * 2m, such as 6s"), the reference and the JSON Schema are made. Codecs, because `sallyport config` writes values back.
 */
type Text<T> = z.ZodCodec<z.ZodString, z.ZodCustom<T, T>>

interface Kind {
  readonly title: string
  readonly examples: readonly string[]
}

/** A text that `parse` understands. A kind that its own pattern fits may have it in the JSON Schema, for editors. */
export function text<T>(
  kind: Kind,
  parse: (text: string) => scalars.Reading<T>,
  format: (value: T) => string,
  pattern?: RegExp,
) {
  const codec: Text<T> = z.codec(pattern === undefined ? z.string() : z.string().regex(pattern), z.custom<T>(), {
    decode: (found, context) => {
      const reading = parse(found)
      if ('value' in reading) return reading.value
      context.issues.push({ code: 'custom', message: reading.problem, input: found })
      return z.NEVER
    },
    encode: format,
  })
  return codec.meta({ title: kind.title, examples: [...kind.examples] })
}

const keep = (found: string): string => found

function within(
  reading: scalars.Reading<number>,
  from: number,
  to: number,
  format: (value: number) => string,
): scalars.Reading<number> {
  if ('problem' in reading) return reading
  if (reading.value < from) return { problem: `less than ${format(from)}` }
  return reading.value > to ? { problem: `more than ${format(to)}` } : reading
}

function waitOf(duration: string): number {
  const reading = scalars.parseDuration(duration)
  if ('problem' in reading) throw new Error(`${duration}: ${reading.problem}`)
  return reading.value
}

/** A whole number; both ends included. */
export const count = (least: number, most: number) => z.int().min(least).max(most)

/** A duration in milliseconds. */
export function duration(from: string, to: string, example: string) {
  const kind = { title: `duration from ${from} to ${to}`, examples: [example] }
  const parse = (found: string) =>
    within(scalars.parseDuration(found), waitOf(from), waitOf(to), scalars.formatDuration)
  return text(kind, parse, scalars.formatDuration, scalars.durationPattern)
}

/** A duration in whole seconds. */
export function ttl(from: string, to: string, example: string) {
  const kind = { title: `duration from ${from} to ${to}`, examples: [example] }
  const parse = (found: string): scalars.Reading<number> => {
    const reading = within(scalars.parseDuration(found), waitOf(from), waitOf(to), scalars.formatDuration)
    if ('problem' in reading) return reading
    return reading.value % 1000 === 0 ? { value: reading.value / 1000 } : { problem: 'not whole seconds' }
  }
  return text(kind, parse, seconds => scalars.formatDuration(seconds * 1000), scalars.durationPattern)
}

/** Octets; a plain number is octets as well. */
export function size(from: number, to: number, example: string) {
  const kind = { title: `size from ${scalars.formatSize(from)} to ${scalars.formatSize(to)}`, examples: [example] }
  const written = z.union([z.string().regex(scalars.sizePattern), z.int().min(0).max(Number.MAX_SAFE_INTEGER)])
  return z
    .codec(written, z.custom<number>(), {
      decode: (found, context) => {
        const reading = within(scalars.parseSize(String(found)), from, to, scalars.formatSize)
        if ('value' in reading) return reading.value
        context.issues.push({ code: 'custom', message: reading.problem, input: found })
        return z.NEVER
      },
      encode: scalars.formatSize,
    })
    .meta({ title: kind.title, examples: kind.examples })
}

export const network = text<Network>(
  { title: 'address or network', examples: ['192.0.2.0/24', '2001:db8::/32'] },
  found => {
    const parsed = parseNetwork(found)
    return 'problem' in parsed ? parsed : { value: parsed }
  },
  parsed => `${parsed.address.text}/${parsed.prefix}`,
)

/** Kept as it is written: it stands by itself or among keys, and is read when it is known which. */
export const listenAddress = text(
  { title: 'address and port', examples: ['127.0.0.1:2525', '[::1]:25', ':25'] },
  found => {
    const reading = scalars.parseEndpoint(found, 0)
    return 'problem' in reading ? reading : { value: found }
  },
  keep,
)

/** An OpenSSL cipher list, asked of OpenSSL itself. */
export const ciphers = text(
  { title: 'list of ciphers as OpenSSL has it', examples: ['ECDHE+AESGCM:ECDHE+CHACHA20'] },
  scalars.parseCiphers,
  keep,
)

export const serverEndpoint = text<Endpoint>(
  { title: 'address or name, and port', examples: ['10.0.0.1:25', 'postfix:25'] },
  found =>
    found === 'embedded' ? { problem: 'only backend by itself can be embedded' } : scalars.parseEndpoint(found, 1),
  scalars.formatEndpoint,
)

/** null: the embedded MTA. */
export const backendEndpoint = text<Endpoint | null>(
  { title: 'address or name, and port, or embedded', examples: ['127.0.0.1:10025', 'postfix:25', 'embedded'] },
  found => (found === 'embedded' ? { value: null } : scalars.parseEndpoint(found, 1)),
  endpoint => (endpoint === null ? 'embedded' : scalars.formatEndpoint(endpoint)),
)

/** null: off. */
export const adminEndpoint = z
  .codec(z.string().nullable(), z.custom<Endpoint | null>(), {
    decode: (found, context) => {
      if (found === null || found === 'off') return null
      const reading = scalars.parseEndpoint(found, 0)
      if ('value' in reading) return reading.value
      context.issues.push({ code: 'custom', message: reading.problem, input: found })
      return z.NEVER
    },
    encode: endpoint => (endpoint === null ? 'off' : scalars.formatEndpoint(endpoint)),
  })
  .meta({ title: 'address and port, or off', examples: ['127.0.0.1:9525', 'off'] })

export const domain = text({ title: 'domain name', examples: ['example.com'] }, scalars.parseDomain, keep)

export const routeDomain = text(
  { title: 'domain name, or *. and one', examples: ['example.com', '*.example.net'] },
  scalars.parseRouteDomain,
  keep,
)

/** Longer than a path may be (RFC 5321 4.5.3.1.3) none needs to be. */
export const trapRecipient = text(
  { title: 'address, or a pattern with one *', examples: ['trap@example.com', '*@old.example.com'] },
  found => {
    if (
      /^[^\s<>*@]*\*?[^\s<>*@]*@[a-z0-9.-]*\*?[a-z0-9.-]+$/i.test(found) &&
      !/\*.*\*/.test(found) &&
      found.length <= 256
    )
      return { value: found }
    return { problem: 'not an address, nor one with a single *' }
  },
  keep,
)

/** A share, 0 to 1. */
export const share = text(
  { title: 'percentage from 0% to 99%', examples: ['90%'] },
  found => {
    const digits = /^(\d{1,2})%$/.exec(found)?.[1]
    return digits === undefined ? { problem: 'not a percentage from 0% to 99%' } : { value: Number(digits) / 100 }
  },
  value => `${Math.round(value * 100)}%`,
)

/** An EHLO keyword or a verb, in capitals. */
export const keyword = text(
  { title: 'EHLO keyword or verb', examples: ['CHUNKING'] },
  found => {
    if (/^[a-z][a-z0-9-]{0,31}$/i.test(found)) return { value: found.toUpperCase() }
    return { problem: 'not a word of letters, digits and hyphens' }
  },
  keep,
)

export const resolver = text(
  { title: 'IP address, with or without a port', examples: ['127.0.0.1', '127.0.0.1:5353', '[::1]:53'] },
  scalars.parseResolver,
  keep,
)

export const redisUrl = text(
  { title: 'Redis URL', examples: ['redis://127.0.0.1:6379', 'rediss://redis.example.com:6380/1'] },
  scalars.parseRedisUrl,
  keep,
)

export const redisHost = text<Endpoint>(
  { title: 'address or name, and port', examples: ['10.0.0.1:6379', 'redis1:26379'] },
  found => scalars.parseEndpoint(found, 1),
  scalars.formatEndpoint,
)

/** The name of a file or a folder; one that is not absolute is taken from the working directory. */
export const path = text(
  { title: 'file name', examples: ['var/mail', '/etc/sallyport/allow'] },
  found => {
    if (found === '' || found.length > 4096) return { problem: 'not from 1 to 4096 characters' }
    return found.includes('\0') ? { problem: 'it holds a NUL' } : { value: found }
  },
  keep,
)
