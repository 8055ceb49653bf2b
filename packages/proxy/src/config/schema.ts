import { hostname } from 'node:os'
import { defaultPreset, defaultScore, type Policy, presetSettings } from '@sallyport/rules'
import * as z from 'zod'
import { backend, backendKeys, routeBackendKeys, routes } from './backend-keys.ts'
import { drain, limits, load, timeouts, trap } from './bound-keys.ts'
import { breaker } from './breaker-keys.ts'
import { checkKeys } from './check-keys.ts'
import { bareNewlines, type Config, levels } from './config.ts'
import { dnsbl, dnsblTtl } from './dnsbl-keys.ts'
import * as leaves from './leaves.ts'
import { delays, delaysOf, exception, preset } from './policy-keys.ts'
import { reputation } from './reputation-keys.ts'
import { section } from './section.ts'
import { store } from './store-keys.ts'
import { listenKeys, tlsKeys, usualMode, writtenListen } from './tls-keys.ts'

/**
 * THE KEYS of the configuration: their kinds, defaults and meanings. The file's errors, the JSON Schema, the reference in
 * docs/ and the example in deploy/ are all made from here.
 */
const { count, duration, ttl, size } = leaves

const networks = z.array(leaves.network).prefault([])
const paths = z.array(leaves.path).prefault([])

const greet = section({
  wait: duration('0s', '2m', '6s').optional().meta({
    default: '6s',
    description:
      "How long an unknown client waits between the first line of the greeting and its last; 0s: not at all. The default is the preset's.",
  }),
  networks: z
    .array(
      section({
        network: leaves.network.describe('The clients it is for.'),
        wait: duration('0s', '2m', '0s').describe('Their greeting wait.'),
      }),
    )
    .prefault([])
    .describe('Networks with a greeting wait of their own. The first that holds the client counts.'),
})

const access = section({
  allow: networks.describe('Clients that need no check at all; beats everything.'),
  deny: networks.describe('Clients that fail the check access.'),
  allow_files: paths.describe('Files with one network a line, allowed; read again when they change.'),
  deny_files: paths.describe('Files with one network a line, denied; read again when they change.'),
})

const score = section({
  defer: count(0, 100_000).prefault(defaultScore.defer).describe('The sum from which a client is deferred; 0: never.'),
  refuse: count(0, 100_000).prefault(defaultScore.refuse).describe('The sum from which a client is refused; 0: never.'),
})

const admin = section({
  listen: leaves.adminEndpoint
    .prefault('127.0.0.1:9525')
    .describe('Where /metrics, /healthz and /readyz are; off: nowhere.'),
})

const extensions = section({
  withhold: z
    .array(leaves.keyword)
    .prefault([])
    .describe(
      'EHLO keywords of the backend that clients are not told of; AUTH and STARTTLS among them are refused, too.',
    ),
  verbs: z
    .union([z.literal('any'), z.array(leaves.keyword)])
    .meta({ title: 'any, or a list of verbs', examples: ['any'] })
    .prefault('any')
    .describe(
      'Verbs that the gate does not know and passes on to the backend once a client is known: any, or these alone. Never those that forge a client or carry a message past the gate.',
    ),
})

const decisions = section({
  file: leaves.path
    .optional()
    .describe(
      'Where the records are written, one JSON object a line. Default: nowhere. Full files get the time as suffix.',
    ),
  size: size(65_536, 1024 ** 4, '100M')
    .prefault('100M')
    .describe('How large a file becomes.'),
  files: count(1, 1000)
    .prefault(10)
    .describe('How many files are kept, the one that is being written included; older ones are removed.'),
})

/** Every key of the file, in the order of the reference. */
const file = z.strictObject({
  hostname: leaves.domain
    .optional()
    .describe("The gate's name in its greeting and replies. Default: the name of the machine."),
  listen: z
    .array(listenKeys)
    .min(1)
    .max(64)
    .prefault(['127.0.0.1:2525'])
    .describe('Where clients connect. :25 is port 25 of every address, IPv4 and IPv6.'),
  tls: tlsKeys.prefault({}).describe('TLS with clients, ended at the gate.'),
  trusted_proxies: networks.describe(
    'Balancers in front of the gate: they must send a PROXY header, and only they may. One that says LOCAL or UNKNOWN is taken for a health check of theirs.',
  ),
  health_checks: networks.describe(
    "Balancers' probes: greeted at once, never judged, nothing learnt; logged only if they bring mail.",
  ),
  backend,
  routes,
  recipient_domains: z
    .array(leaves.domain)
    .prefault([])
    .describe('The only domains that mail is taken for; none: any, the backend decides.'),
  trap_recipients: z
    .array(leaves.trapRecipient)
    .max(10_000)
    .prefault([])
    .describe(
      'Addresses that nobody has, for those who collect addresses; one * stands for anything. The check trap-recipient judges by them.',
    ),
  greet: greet.prefault({}).describe('The pause before the greeting.'),
  access: access.prefault({}).describe('Your own lists of clients.'),
  dnsbl: dnsbl.prefault({}).describe('The DNS lists of clients; the check dnsbl judges by them.'),
  preset,
  delays: delays
    .prefault({})
    .describe(
      'How long clients are made to wait for replies. Whoever has done nothing wrong waits 30 s at most in all, and anybody 5 minutes. Default: of the preset.',
    ),
  exceptions: z
    .array(exception)
    .max(1000)
    .prefault([])
    .describe(
      'What is otherwise for some clients or recipients. An entry holds where each kind of condition that it has is met; of several that hold the last is the strongest.',
    ),
  checks: checkKeys.prefault({}).describe('What a client is tested for, and what follows.'),
  score: score.prefault({}).describe('Where the points of failed checks with the action score lead.'),
  offence_ttl: ttl('0s', '365d', '1d')
    .prefault('1d')
    .describe(
      'For how long a failed check is remembered against a client; never against private and loopback addresses.',
    ),
  reputation,
  breaker,
  extensions: extensions.prefault({}).describe('What is passed on of extensions that the gate need not know.'),
  message: section({
    bare_newline: z
      .enum(bareNewlines)
      .prefault('normalise')
      .describe('A message line ended in a LF or CR alone: made CR LF, or the whole message refused.'),
  })
    .prefault({})
    .describe('What is done about messages.'),
  trap: trap.prefault({}).describe('Clients that fail a check with the action trap are answered an octet at a time.'),
  load: load.prefault({}).describe('What happens under load: known clients go first.'),
  limits: limits.prefault({}).describe('Bounds.'),
  timeouts: timeouts.prefault({}).describe('The longest waits.'),
  store,
  decisions: decisions
    .prefault({})
    .describe('A record of each session: what was seen, what followed, and why; for sallyport explain and replay.'),
  admin: admin.prefault({}).describe('The port for operators.'),
  log: section({ level: z.enum(levels).prefault('info').describe('The least level that is written.') })
    .prefault({})
    .describe('The log, one JSON object a line.'),
  drain: drain.prefault({}).describe('How the gate stops.'),
})

export const configuration = z.codec(file, z.custom<Config>(), {
  decode: found => {
    const { trusted_proxies, health_checks, recipient_domains, trap_recipients, ...rest } = found
    const { offence_ttl, checks, score: points, preset: name, delays: waits, exceptions, ...others } = rest
    const policy: Policy = {
      preset: name,
      checks,
      score: points,
      offenceTtl: offence_ttl,
      delays: delaysOf(waits),
      exceptions,
    }
    return {
      ...others,
      greet: { ...found.greet, wait: found.greet.wait ?? presetSettings[name].greetWait },
      hostname: found.hostname ?? hostname(),
      listen: found.listen.map(listen => ({ ...listen, tls: listen.tls ?? usualMode(found.tls.certificates) })),
      tls: { ...found.tls, ciphers: found.tls.ciphers ?? null },
      trustedProxies: trusted_proxies,
      healthChecks: health_checks,
      recipientDomains: recipient_domains,
      trapRecipients: trap_recipients,
      policy,
      decisions: { ...found.decisions, file: found.decisions.file ?? null },
    }
  },
  encode: ({ trustedProxies, healthChecks, recipientDomains, trapRecipients, policy, ...rest }) => {
    const { listen, tls, decisions: kept, ...others } = rest
    const { ciphers, ...otherTls } = tls
    const { file: decisionFile, ...otherDecisions } = kept
    const written = {
      ...others,
      listen: listen.map(one => writtenListen(one, usualMode(tls.certificates))),
      tls: ciphers === null ? otherTls : { ...otherTls, ciphers },
      decisions: decisionFile === null ? otherDecisions : { ...otherDecisions, file: decisionFile },
      trusted_proxies: trustedProxies,
      health_checks: healthChecks,
      recipient_domains: recipientDomains,
      trap_recipients: trapRecipients,
      preset: policy.preset ?? defaultPreset,
      delays: policy.delays ?? {},
      exceptions: policy.exceptions ?? [],
      checks: policy.checks ?? {},
      score: policy.score ?? defaultScore,
      offence_ttl: policy.offenceTtl ?? 86_400,
    }
    // The lists are read-only to the program, and to zod they are not.
    return written as z.output<typeof file>
  },
})

/** Single keys, for the rules across them. */
export const keys = { backend: backendKeys, routeBackend: routeBackendKeys, dnsblTtl, score, file: file.shape }

/** What is used here of JSON Schema, draft 2020-12. */
export interface SchemaNode {
  readonly title?: string
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly default?: unknown
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly writeOnly?: boolean
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
}

let made: SchemaNode | null = null

/** The JSON Schema of the file as it is written (durations as text), with meanings and defaults. */
export function configSchema(): SchemaNode {
  made ??= z.toJSONSchema(configuration, {
    io: 'input',
    // zod leaves these out at codecs, as it takes them to be of the decoded value; ours are as written.
    override({ zodSchema, jsonSchema }) {
      const { examples, default: preset } = z.globalRegistry.get(zodSchema) ?? {}
      if (Array.isArray(examples)) jsonSchema.examples = examples
      if (preset !== undefined) Object.assign(jsonSchema, { default: preset })
    },
  }) as SchemaNode
  return made
}
