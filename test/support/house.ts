import { type House, Offer, type Waits } from '@sallyport/proxy/session/house.js'
import { Routes } from '@sallyport/proxy/session/routes.js'
import { TrapRecipients } from '@sallyport/proxy/session/trap-recipients.js'
import { checks, Plans, type Policy, type Question } from '@sallyport/rules'

export const hostname = 'mx.example.test'

/** The defaults of the configuration, in milliseconds. */
export const waits: Waits = {
  recall: 50,
  answers: 5_000,
  command: 300_000,
  screening: 600_000,
  data: 180_000,
  session: 14_400_000,
  tlsHandshake: 30_000,
  suspect: 60_000,
  backendConnect: 5_000,
  backendGreeting: 30_000,
  backendReply: 300_000,
  backendFinal: 600_000,
}

export interface HouseOptions {
  readonly policy?: Policy
  /** Whether there are DNS lists. */
  readonly lists?: boolean
  /** What else is asked of the DNS; the checks that need anything else are off. */
  readonly asks?: readonly Question[]
  readonly keywords?: readonly string[]
  readonly recipientDomains?: readonly string[]
  readonly traps?: readonly string[]
  readonly xclient?: boolean
  readonly routes?: ReadonlyMap<string, string>
  readonly connect?: House['connect']
  readonly auth?: House['auth']
  readonly verbs?: readonly string[]
  readonly withhold?: readonly string[]
  readonly shed?: number
  readonly trap?: Partial<House['trap']>
  readonly bareNewline?: 'normalise' | 'refuse'
  readonly waits?: Partial<Waits>
  readonly commandLine?: number
  readonly commands?: number
}

export function makeHouse(options: HouseOptions = {}): House {
  const policy = options.policy ?? {}
  const offer = new Offer(hostname)
  offer.renew(options.keywords ?? ['PIPELINING', 'SIZE 10240000', '8BITMIME', 'XCLIENT NAME ADDR'])
  return {
    version: '00000000',
    hostname,
    offer,
    plans: plansOf(policy, [...(options.asks ?? []), ...(options.lists ? ['dnsbl' as const] : [])]),
    waits: { ...waits, ...options.waits },
    limits: { commandLine: options.commandLine ?? 2048, commands: options.commands ?? 1000 },
    recipientDomains: options.recipientDomains === undefined ? null : new Set(options.recipientDomains),
    traps: new TrapRecipients(options.traps ?? []),
    xclient: options.xclient ?? false,
    routes: new Routes(options.routes ?? new Map()),
    connect: options.connect ?? 'rcpt',
    auth: options.auth ?? 'tls',
    verbs: options.verbs === undefined ? null : new Set(options.verbs),
    withhold: new Set(options.withhold),
    load: { shed: options.shed ?? 0 },
    trap: { interval: 1_000, piece: 1, wait: 600_000, ...options.trap },
    bareNewline: options.bareNewline ?? 'normalise',
  }
}

const made = new WeakMap<Policy, Map<string, Plans>>()

/** Made once for a policy that is given again: they take longer than all else of a house, and searches ask for thousands. */
function plansOf(policy: Policy, asks: readonly Question[]): Plans {
  const ofPolicy = made.get(policy) ?? new Map<string, Plans>()
  made.set(policy, ofPolicy)
  const plans = ofPolicy.get(asks.join()) ?? new Plans(withoutQuestions(policy, asks))
  ofPolicy.set(asks.join(), plans)
  return plans
}

/** The policy with those checks switched off that ask anything but these questions. */
function withoutQuestions(policy: Policy, asks: readonly Question[]): Policy {
  const off = checks.filter(check => 'asks' in check && !asks.includes(check.asks))
  return {
    ...policy,
    checks: { ...policy.checks, ...Object.fromEntries(off.map(({ name }) => [name, { enabled: false }])) },
  }
}
