import { hostname } from 'node:os'
import { defaultPreset, defaultScore, type Policy, presetSettings } from '@sallyport/rules'
import * as z from 'zod'
import { backend, backendKeys, routeBackendKeys, routes } from './backend-keys.ts'
import { drain, limits, load, timeouts } from './bound-keys.ts'
import { breaker } from './breaker-keys.ts'
import { checkKeys, type OwnChecks } from './check-keys.ts'
import { bareNewlines, type Config, levels } from './config.ts'
import { decisions } from './decision-keys.ts'
import { dnsbl, dnsblTtl } from './dnsbl-keys.ts'
import * as leaves from './leaves.ts'
import { delays, delaysOf, exception, preset } from './policy-keys.ts'
import { reputation } from './reputation-keys.ts'
import { section } from './section.ts'
import { store } from './store-keys.ts'
import { listenKeys, tlsKeys, usualMode, writtenListen } from './tls-keys.ts'
import { decoy, trap } from './trap-keys.ts'

/**
 * THE KEYS of the configuration: their kinds, defaults and meanings. The file's errors, the JSON Schema, the reference in
 * docs/ and the example in deploy/ are all made from here.
 */
const { count, duration, ttl } = leaves

const networks = z.array(leaves.network).prefault([])
const paths = z.array(leaves.path).prefault([])

const greet = section({
  wait: duration('0s', '30s', '6s').optional().meta({
    default: '6s',
    description:
      "How long an unknown client waits between the first line of the greeting and its last; 0s: not at all. The default is the preset's.",
  }),
  networks: z
    .array(
      section({
        network: leaves.network.describe('The clients it is for.'),
        wait: duration('0s', '30s', '0s').describe('Their greeting wait.'),
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

const checksKey = (own: OwnChecks) =>
  checkKeys(own).prefault({}).describe('What a client is tested for, and what follows.')

const exceptions = (own: OwnChecks) =>
  z
    .array(exception(own))
    .max(1000)
    .prefault([])
    .describe(
      'What is otherwise for some clients or recipients. An entry holds where each kind of condition that it has is met; of several that hold the last is the strongest.',
    )

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
      'How long clients are made to wait for replies. Whoever has done nothing wrong waits 30 s at most for one reply, and anybody 5 minutes in all. Default: of the preset.',
    ),
  exceptions: exceptions([]),
  checks: checksKey([]),
  modules: z
    .array(leaves.path)
    .max(100)
    .prefault([])
    .describe('Modules of JavaScript with checks of your own, whose names begin with x-; see docs/own-checks.md.'),
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
  trap: trap.prefault({}).describe('Clients that fail a check with the action trap are answered an octet a second.'),
  decoy: decoy
    .prefault({})
    .describe(
      'Clients that fail a check with the action decoy speak with a server of the gate that takes their message and refuses it at its end. Needs no server of yours; a change of sessions needs a restart.',
    ),
  load: load.prefault({}).describe('What happens under load: known clients go first.'),
  limits: limits.prefault({}).describe('Bounds.'),
  timeouts: timeouts.prefault({}).describe('The longest waits.'),
  store,
  decisions,
  admin: admin.prefault({}).describe('The port for operators.'),
  log: section({ level: z.enum(levels).prefault('info').describe('The least level that is written.') })
    .prefault({})
    .describe('The log, one JSON object a line.'),
  drain: drain.prefault({}).describe('How the gate stops.'),
})

/** The keys of ours and of these checks. */
function fileWith(own: OwnChecks): typeof file {
  if (own.length === 0) return file
  // What is in it of more checks has the same kinds.
  return file.extend({ checks: checksKey(own), exceptions: exceptions(own) }) as unknown as typeof file
}

export const configurationWith = (own: OwnChecks) =>
  z.codec(fileWith(own), z.custom<Config>(), {
    decode: found => {
      const { trusted_proxies, health_checks, recipient_domains, trap_recipients, ...rest } = found
      const { offence_ttl, checks, score: points, preset: name, delays: given, exceptions, ...others } = rest
      const { turnedAway, ...waits } = given
      const policy: Policy = {
        ...(own.length > 0 && { own }),
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
        turnedAway,
        trapRecipients: trap_recipients,
        policy,
      }
    },
    encode: ({ trustedProxies, healthChecks, recipientDomains, trapRecipients, policy, turnedAway, ...rest }) => {
      const { listen, tls, ...others } = rest
      const { ciphers, ...otherTls } = tls
      const written = {
        ...others,
        listen: listen.map(one => writtenListen(one, usualMode(tls.certificates))),
        tls: ciphers === null ? otherTls : { ...otherTls, ciphers },
        trusted_proxies: trustedProxies,
        health_checks: healthChecks,
        recipient_domains: recipientDomains,
        trap_recipients: trapRecipients,
        preset: policy.preset ?? defaultPreset,
        delays: { ...policy.delays, turnedAway },
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
export function configSchema(own: OwnChecks = []): SchemaNode {
  if (own.length > 0) return schemaOf(configurationWith(own))
  made ??= schemaOf(configurationWith([]))
  return made
}

function schemaOf(configuration: z.ZodType): SchemaNode {
  return z.toJSONSchema(configuration, {
    io: 'input',
    // zod leaves these out at codecs, as it takes them to be of the decoded value; ours are as written.
    override({ zodSchema, jsonSchema }) {
      const { examples, default: preset } = z.globalRegistry.get(zodSchema) ?? {}
      if (Array.isArray(examples)) jsonSchema.examples = examples
      if (preset !== undefined) Object.assign(jsonSchema, { default: preset })
    },
  }) as SchemaNode
}
