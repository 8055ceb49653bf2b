import type { CheckName } from './checks/index.ts'
import { type Delays, noDelays } from './delay.ts'
import type { CheckSettings } from './policy.ts'

export const presets = ['gentle', 'standard', 'strict', 'fourmilab', 'postscreen'] as const
export type Preset = (typeof presets)[number]

/** What an operator need not write: what a check does where the configuration does not say, and how long a client waits. */
interface PresetSettings {
  /** One line for the reference. */
  readonly about: string
  readonly checks: { readonly [Name in CheckName]?: CheckSettings }
  readonly delays: Delays
  /** The pause before the greeting, ms. */
  readonly greetWait: number
}

/** Only who has failed a check hears the lines of a reply one by one. */
const byLine: Delays = { ...noDelays, line: 500 }

/** THE PRESETS. Each differs from the checks' own defaults only in what it names. */
export const presetSettings: Readonly<Record<Preset, PresetSettings>> = {
  gentle: {
    about:
      'A stranger that behaves waits 6 s, once, and is never deferred. Who breaks the protocol or guesses recipients is kept out; who is ' +
      'suspect, for a name or a sender that is not its own or for its mail, is asked once to come again. Everything else observes.',
    checks: {
      // Each alone makes a client suspect, and no two of them defer it: 5 points would.
      'helo-own': { action: 'score', points: 2 },
      'helo-address': { action: 'score', points: 1 },
      spf: { action: 'score', points: 1 },
      // An appliance that writes so does not come again.
      'bare-newline': { action: 'observe' },
      harvest: { action: 'drop' },
      // Above one fault of protocol (5), which has been answered with a deferral already, and below one message refused for its content (8). Of
      // its neighbours it takes four times as much.
      greylist: { action: 'defer', options: { score: 6 } },
    },
    delays: noDelays,
    greetWait: 6_000,
  },
  standard: {
    about: 'Lists and names count as points; points and errors make a client wait.',
    checks: {
      dnsbl: { action: 'score', points: 5 },
      'helo-syntax': { action: 'score', points: 1 },
      'no-reverse-name': { action: 'score', points: 2 },
      'reverse-mismatch': { action: 'score', points: 1 },
      'generic-name': { action: 'score', points: 2 },
      'helo-required': { action: 'score', points: 1 },
      'helo-own': { action: 'score', points: 5 },
      'helo-address': { action: 'score', points: 1 },
      'helo-literal': { action: 'score', points: 1 },
      'sender-domain': { action: 'score', points: 3 },
      spf: { action: 'score', points: 2 },
      reputation: { action: 'score' },
      harvest: { action: 'drop' },
      recipients: { action: 'defer' },
      greylist: { action: 'defer' },
    },
    delays: { ...byLine, point: 500, error: 1_000, unknown: 1_000 },
    greetWait: 6_000,
  },
  strict: {
    about: 'Listed clients are refused, and whoever errs waits.',
    checks: {
      dnsbl: { action: 'refuse' },
      'helo-syntax': { action: 'score', points: 3 },
      'no-reverse-name': { action: 'score', points: 4 },
      'reverse-mismatch': { action: 'score', points: 2 },
      'generic-name': { action: 'score', points: 3 },
      'helo-required': { action: 'score', points: 2 },
      'helo-own': { action: 'score', points: 10 },
      'helo-address': { action: 'score', points: 3 },
      'helo-literal': { action: 'score', points: 3 },
      'helo-unresolvable': { action: 'score', points: 1 },
      'helo-change': { action: 'score', points: 1 },
      'sender-domain': { action: 'score', points: 5 },
      spf: { action: 'score', points: 4 },
      'null-sender-recipients': { action: 'score', points: 2 },
      'bare-newline': { action: 'score', points: 5 },
      reputation: { action: 'defer' },
      'trap-recipient': { action: 'trap' },
      harvest: { action: 'drop' },
      recipients: { action: 'defer', options: { most: 100 } },
      rate: { action: 'defer' },
      // The times of OpenBSD's spamd: 25 min, 4 h, 36 d.
      greylist: { action: 'defer', options: { delay: 1_500, window: 14_400, keep: 3_110_400 } },
    },
    delays: { ...byLine, rcpt: 1_000, point: 1_000, error: 2_000, unknown: 1_000 },
    greetWait: 10_000,
  },
  fourmilab: {
    about: 'The two waits of the article of 2005: 10 s before the greeting and 25 s before the reply to HELO or EHLO.',
    checks: {},
    delays: { ...byLine, hello: 25_000 },
    greetWait: 10_000,
  },
  postscreen: {
    about:
      'What postscreen does with its tests set to enforce: what fails is refused, in the session in which it fails.',
    checks: {
      pregreet: { action: 'refuse' },
      dnsbl: { action: 'refuse' },
      pipelining: { action: 'refuse' },
      'bare-newline': { action: 'refuse' },
    },
    delays: noDelays,
    greetWait: 6_000,
  },
}
