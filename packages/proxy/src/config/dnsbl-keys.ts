import { type DnsblZone, parseZone } from '@sallyport/rules'
import * as z from 'zod'
import * as leaves from './leaves.ts'
import { formatAnswers, parseAnswers, parseZoneDomain } from './scalars.ts'
import { section } from './section.ts'

const { count, duration, ttl } = leaves

const zoneText = leaves.text<DnsblZone>(
  { title: 'DNS list', examples: ['zen.spamhaus.org=127.0.0.[2..11]*3'] },
  found => {
    const zone = parseZone(found)
    return 'problem' in zone ? zone : { value: zone }
  },
  zone => zone.zone,
)

const zoneDomain = leaves.text({ title: 'domain name', examples: ['zen.spamhaus.org'] }, parseZoneDomain, text => text)
const zoneAnswers = leaves.text(
  { title: 'pattern of answers', examples: ['127.0.0.[2..11]'] },
  parseAnswers,
  formatAnswers,
)
const zoneName = leaves.text(
  { title: 'name of 1 to 253 printable ASCII characters', examples: ['zen.spamhaus.org'] },
  found => (/^[\x20-\x7e]{1,253}$/.test(found) ? { value: found } : { problem: 'not printable ASCII' }),
  text => text,
)
const weight = count(-1000, 1000).refine(found => found !== 0, 'without effect')

const zone = z
  .codec(
    z.union([
      z.strictObject({
        zone: zoneDomain.describe('The domain that is asked.'),
        name: zoneName
          .optional()
          .describe('What replies and logs call it, where the domain holds a key. Default: the domain.'),
        weight: weight.prefault(1).describe('What a listing adds to the rank; negative for a list of good clients.'),
        answers: zoneAnswers.optional().describe('The answers that count. Default: any that is a listing.'),
      }),
      zoneText,
    ]),
    z.custom<DnsblZone>(),
    {
      decode: found => ({ ...found, name: found.name ?? found.zone, answers: found.answers ?? null }),
      encode: ({ answers, ...others }) => (answers === null ? others : { ...others, answers }),
    },
  )
  .meta({
    title: 'DNS list, or keys under it: zone, name, weight, answers',
    examples: ['zen.spamhaus.org=127.0.0.[2..11]*3'],
  })

export const dnsblTtl = section({
  min: ttl('0s', '1d', '60s').prefault('60s').describe('The least time for which an answer holds.'),
  max: ttl('0s', '7d', '1h').prefault('1h').describe('The most time for which an answer holds.'),
  fallback: ttl('0s', '7d', '5m').prefault('5m').describe('The time for an answer that says none.'),
})

export const dnsbl = section({
  zones: z
    .array(zone)
    .max(100)
    .prefault([])
    .describe("The DNS lists to ask: domain=answers*weight (postscreen's syntax), or keys."),
  resolvers: z
    .array(leaves.resolver)
    .max(16)
    .prefault([])
    .describe("The name servers to ask; none: the system's. Lists do not answer the large public ones."),
  wait: duration('100ms', '1m', '5s').prefault('5s').describe('The longest wait for an answer.'),
  ttl: dnsblTtl.prefault({}).describe('For how long an answer holds: its own ttl, within bounds.'),
})
