import type { Report } from './world.ts'

const columns = [
  'messages',
  'sessions',
  'taken',
  'content',
  'deferred',
  'refused',
  'crowded',
  'suspect',
  'mostDeferrals',
] as const

const operationsOf = ({ operations }: Report): number =>
  Object.values(operations).reduce((sum, count) => sum + count, 0)

/** Commands to the store for each session. */
const operationsEach = (report: Report): number => operationsOf(report) / report.sessions

/** `seconds`: what the run took. */
export function print(report: Report, seconds: number): void {
  const { gates, kinds, looks, operations, sessions, excess, away, open, merge, changes, violations } = report
  console.log(`\n${gates} gates: ${sessions} sessions in ${seconds.toFixed(1)} s of real time`)
  console.log(['kind', ...columns].map((column, i) => (i === 0 ? column.padEnd(12) : column.padStart(14))).join(''))
  for (const [kind, tally] of kinds) {
    console.log(`${kind.padEnd(12)}${columns.map(column => String(tally[column]).padStart(14)).join('')}`)
  }
  const each = Object.entries(operations).map(([name, count]) => `${name} ${(count / sessions).toFixed(2)}`)
  console.log(`store, commands a session: ${operationsEach(report).toFixed(2)} (${each.join(', ')})`)
  console.log(
    `above the rate: ${excess.address.toFixed(1)} of one address, ${excess.network.toFixed(1)} of one network; ${excess.inFlight} were in flight`,
  )
  console.log(
    `while the store was away: ${away.admitted} of one address let in, by all gates together; ${away.bound} at most`,
  )
  console.log(
    `open at all gates: ${open.client} connections of one client, ${open.network} of one network; while the store was away ${open.away} of one client`,
  )
  console.log(
    `merged ${merge.seconds?.toFixed(2) ?? 'never'} s after it was back; ${merge.most} lessons kept by one gate, ${merge.inDoubt} in doubt`,
  )
  console.log(
    `looked at: ${Object.entries(looks)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}; changes of breakers ${changes}`,
  )
  for (const violation of violations) console.log(`NOT SO ${violation}`)
}
