import type { House } from '@sallyport/proxy/session/house.js'
import { type Action, type CheckName, checks, type Policy } from '@sallyport/rules'
import { makeHouse } from './house.ts'
import type { Tape } from './tape.ts'

const every = (action: Action): Policy => ({
  checks: Object.fromEntries(checks.map(check => [check.name, { action }])) as Policy['checks'] & {
    [Name in CheckName]?: object
  },
})
const policies: readonly Policy[] = [
  every('observe'),
  {},
  every('defer'),
  every('refuse'),
  every('drop'),
  { ...every('score'), score: { defer: 1, refuse: 6 } },
  { ...every('score'), score: { defer: 0, refuse: 0 }, delays: { line: 500 } },
  every('trap'),
  every('decoy'),
]

/** The domains of the group `two`. */
const routes = new Map([
  ['other.test', 'two'],
  ['*.other.test', 'two'],
])

/** RCPT with its path, as RFC 5321 4.1.1.3 has it; white space after the colon, and a path without brackets, are let pass. */
const rcpt = /^RCPT[ \t]+TO:[ \t]*(?:<((?:[^">]|"(?:[^"\\]|\\.)*")*)>|([^< \t][^ \t]*))(?:[ \t]|$)/i

/** Whether a RCPT is for the group `two`, in a house that has it. One that cannot be read is for nobody's. */
export function isOfOthers(house: House, line: string): boolean {
  const read = rcpt.exec(line)
  const path = read?.[1] ?? read?.[2] ?? ''
  return house.routes.groupOf('other.test') !== null && /@(?:[\w-]+\.)*other\.test\.?$/i.test(path)
}

const keywords = [
  'PIPELINING',
  'SIZE 10240000',
  '8BITMIME',
  'SMTPUTF8',
  'CHUNKING',
  'BINARYMIME',
  'STARTTLS',
  'AUTH PLAIN LOGIN EXTERNAL',
  'REQUIRETLS',
  'XCLIENT NAME ADDR',
  'BURL',
]

/** What the tape chooses of a house, each as one of so many. */
const choices = {
  policy: 15,
  domains: 5,
  xclient: 3,
  refuse: 4,
  tight: 6,
  lists: 4,
  routes: 3,
  connect: 4,
  auth: 6,
  verbs: 4,
  withhold: 8,
  offer: 6,
} as const

const houses = new Map<string, House>()

/** The house that the tape chooses: policy, limits, and what the backend is told, when. */
export function houseOf(tape: Tape): House {
  const picked = Object.entries(choices).map(([name, count]) => [name, tape.pick(count)] as const)
  const key = picked.map(([, choice]) => choice).join()
  const found = houses.get(key)
  if (found !== undefined) return found
  const choice = Object.fromEntries(picked) as { readonly [C in keyof typeof choices]: number }
  const house = makeHouse({
    trap: { interval: 500, wait: 60_000 },
    policy: policies[Math.max(0, choice.policy - 6)] ?? {},
    keywords: choice.offer === 5 ? ['SIZE'] : keywords,
    ...(choice.domains === 4 && { recipientDomains: ['example.test'] }),
    xclient: choice.xclient === 2,
    bareNewline: choice.refuse === 3 ? 'refuse' : 'normalise',
    lists: choice.lists === 3,
    ...(choice.tight === 5 && { commandLine: 100, commands: 8 }),
    ...(choice.routes === 2 && { routes }),
    connect: (['rcpt', 'rcpt', 'mail', 'greeting'] as const)[choice.connect] ?? 'rcpt',
    auth: choice.auth === 5 ? 'never' : choice.auth > 2 ? 'tls' : 'always',
    ...(choice.verbs === 3 && { verbs: ['FOO'] }),
    withhold: choice.withhold === 7 ? ['AUTH', 'CHUNKING'] : choice.withhold === 6 ? ['STARTTLS'] : [],
  })
  // So many can be chosen that a long search would never end to grow.
  if (houses.size < 5_000) houses.set(key, house)
  return house
}
