import type { BreakerLimits } from '@sallyport/rules'
import * as z from 'zod'
import * as leaves from './leaves.ts'
import { section } from './section.ts'

const { count, duration } = leaves

const keys = section({
  enabled: z.boolean().prefault(true).describe('false: checks act whatever comes of it.'),
  window: duration('1m', '1d', '6h')
    .prefault('6h')
    .describe('For how long it counts what a check said of clients with a good name that is some days old.'),
  clients: count(1, 100)
    .prefault(3)
    .describe('So many of those clients that fail, each of a network of its own (/24, /48), disarm the check ...'),
  share: count(0, 100)
    .prefault(10)
    .describe('... if they are so much of the networks of such clients that came, in percent.'),
  leap: count(2, 1000)
    .prefault(5)
    .describe('Two of them do where the check fails so many times as often as it did over the last day.'),
  sessions: count(10, 100_000).prefault(50).describe('Sessions below which no share of them counts.'),
  rest: duration('10s', '1d', '15m')
    .prefault('15m')
    .describe('How long nothing may speak against the check before it acts again; longer each time.'),
})

/** When a check is no more relied on. */
export const breaker = z
  .codec(keys, z.custom<BreakerLimits | null>(), {
    decode: ({ enabled, ...limits }) => (enabled ? limits : null),
    encode: limits => (limits === null ? { ...usual, enabled: false } : { ...limits, enabled: true }),
  })
  .prefault({})
  .describe(
    'When a check that is to act only observes for a while: it fails clients that are known to be good, or all of one trusted proxy, or whom it asks is not well.',
  )

/** What need not be kept of one that is switched off. */
const usual = { window: 21_600_000, clients: 3, share: 10, leap: 5, sessions: 50, rest: 900_000 }
