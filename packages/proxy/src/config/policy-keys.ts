import { type Delays, type Exception, presetSettings, presets } from '@sallyport/rules'
import * as z from 'zod'
import { exceptionCheckKeys, type OwnChecks } from './check-keys.ts'
import * as leaves from './leaves.ts'
import { section } from './section.ts'

const { duration } = leaves

export const preset = z
  .enum(presets)
  .prefault('gentle')
  .describe(
    `What holds where the keys below say nothing. ${presets.map(name => `${name}: ${presetSettings[name].about}`).join(' ')}`,
  )

const before = (what: string) =>
  duration('0s', '30s', '25s')
    .optional()
    .describe(`How long a client that is not known yet waits for the reply to ${what}.`)

/** Delays that are left out are the preset's. */
export const delays = section({
  hello: before('HELO or EHLO'),
  mail: before('MAIL'),
  rcpt: before('RCPT'),
  data: before('DATA'),
  point: duration('0s', '1m', '500ms')
    .optional()
    .describe('How long a client waits for each reply, for each point of its score.'),
  error: duration('0s', '1m', '1s')
    .optional()
    .describe('How long it waits behind its first error, doubled with each further one, up to a minute.'),
  line: duration('0s', '5s', '500ms')
    .optional()
    .describe(
      'How long a client that has failed a check waits for each further line of a greeting or an EHLO reply; to talk meanwhile is to talk before its turn.',
    ),
  turned_away: duration('0s', '1m', '15s')
    .prefault('15s')
    .describe(
      'How long a client that is turned away for its number of connections, or because there are too many of all, waits for the 421, so that it is not back at once. Of 1,000 at a time.',
    ),
  unknown: duration('0s', '30s', '1s')
    .optional()
    .describe(
      'How long it waits for the reply to RCPT once it has asked for more than two recipients that the backend does not know.',
    ),
})

const names = z.array(leaves.routeDomain).max(1000).prefault([])

/** Whom it is for, and what is otherwise for them. */
export const exception = (own: OwnChecks) =>
  z
    .codec(
      z.strictObject({
        networks: z.array(leaves.network).max(1000).prefault([]).describe('Clients of these networks.'),
        names: names.describe('Clients whose name, confirmed by the DNS, is one of these.'),
        hello: names.describe('Clients that say so in HELO or EHLO, as anybody can: nothing to rely on.'),
        recipients: names.describe('Recipients in these domains.'),
        checks: exceptionCheckKeys(own).prefault({}).describe('The keys of checks that are otherwise for them.'),
      }),
      z.custom<Exception>(),
      {
        decode: found => found,
        // The lists are read-only to the program, and to zod they are not.
        encode: found => found as never,
      },
    )
    .refine(
      ({ networks, names: known, hello, recipients }) =>
        networks.length + known.length + hello.length + recipients.length > 0,
      'for nobody',
    )

/** Those that were set. */
export function delaysOf(found: { readonly [Name in keyof Delays]?: number | undefined }): Partial<Delays> {
  return Object.fromEntries(Object.entries(found).filter(([, wait]) => wait !== undefined))
}
