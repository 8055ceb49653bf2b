import * as z from 'zod'
import type { Reputation } from './config.ts'
import * as leaves from './leaves.ts'
import { section } from './section.ts'

const { ttl } = leaves

const keys = section({
  half_life: ttl('1m', '365d', '1d').prefault('1d').describe('What speaks against a client counts half after so long.'),
  trust_half_life: ttl('1m', '365d', '7d').prefault('7d').describe('What speaks for it counts half after so long.'),
  learn_private: z
    .boolean()
    .prefault(false)
    .describe('Whether private and loopback addresses gain a name, too; for tests.'),
})

/** How what is known of mail is learnt, and fades. The store takes the half-lives at its start. */
export const reputation = z
  .codec(keys, z.custom<Reputation>(), {
    decode: ({ halfLife, trustHalfLife, learnPrivate }) => ({
      fading: { bad: halfLife, good: trustHalfLife },
      learnPrivate,
    }),
    encode: ({ fading, learnPrivate }) => ({
      halfLife: fading.bad,
      trustHalfLife: fading.good,
      learnPrivate,
    }),
  })
  .prefault({})
  .describe(
    "What is learnt of clients from the backend's replies and the checks; the checks reputation and trusted judge by it.",
  )
