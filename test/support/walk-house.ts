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
]

const houses = new Map<string, House>()

/** The house that the tape chooses: policy, limits and what the backend is told. */
export function houseOf(tape: Tape): House {
  const [choice = 0, domains, xclient, refuse, tight, lists] = [12, 3, 3, 4, 6, 4].map(count => tape.pick(count))
  const policy = Math.max(0, choice - 6)
  const key = [policy, domains, xclient, refuse, tight, lists].join()
  const found = houses.get(key)
  if (found !== undefined) return found
  const house = makeHouse({
    policy: policies[policy] ?? {},
    ...(domains === 2 && { recipientDomains: ['example.test'] }),
    xclient: xclient === 2,
    bareNewline: refuse === 3 ? 'refuse' : 'normalise',
    lists: lists === 3,
    ...(tight === 5 && { commandLine: 100, commands: 8 }),
  })
  houses.set(key, house)
  return house
}
