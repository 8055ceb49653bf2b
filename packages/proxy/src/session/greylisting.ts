import { type GreyTimes, greyTuple, isAsked, type Plan, type PlannedCheck, writersOf } from '@sallyport/rules'
import type { Command } from '../smtp/command.ts'
import { domainOf, isAlwaysReachable, parsePath } from '../smtp/path.ts'
import type { Session } from './session.ts'
import { planFor, wantsName } from './standing.ts'

/**
 * Recipients of one session that are noted in the store and have to wait; the others wait without being noted, or one client could fill the store. That
 * makes nobody's mail later: who comes again for any of them has come again.
 */
const mostNoted = 10

/**
 * Whether a recipient cannot be decided upon before the store has said whether it has to wait; asks it, once the names of the client are known
 * by which it is asked. Only of a suspect, and only where that would decide.
 */
export function awaitsGreylist(session: Session, { verb, argument }: Command): boolean {
  const { facts, tally, arrival, journal } = session
  const path = verb === 'RCPT' ? parsePath('TO', argument)?.path.slice(0, 320) : undefined
  if (path === undefined || tally.vouched !== null || isAlwaysReachable(path)) return false
  // The operator's own machines need not be mail servers that come again.
  if (facts.clientIsPrivate || facts.cameAgain) return false
  // Who is turned away for something else would fill the store with all that it makes up.
  if (tally.verdict.action !== 'none') return false
  const known = facts.recipient?.path === path ? facts.recipient.grey : null
  if (known !== null && known.wait !== 'naming') return known.wait === 'asked'
  const domain = domainOf(path).toLowerCase()
  const planned = plannedFor(session, domain)
  if (planned === undefined || planned.action === 'observe') return false
  if (arrival.disarmed.has('greylist') && planned.breaker) return false
  if (!isSuspect(session, planned)) return false
  const suspicion = suspicionOf(session, planned)
  if (known === null && wasNotNamed(session)) {
    facts.recipient = { path, domain, grey: { tuple: '', wait: 'naming', suspicion } }
    session.port.ask('reverse-name')
    return true
  }
  if (!isIdentified(session)) return true
  if (journal.greylisted >= mostNoted) {
    facts.recipient = { path, domain, grey: { tuple: '', wait: planned.options['delay'] ?? 0, suspicion } }
    return false
  }
  const [writer] = writersOf(facts, arrival.client)
  const tuple = greyTuple(writer, journal.reversePath ?? '', path)
  facts.recipient = { path, domain, grey: { tuple, wait: 'asked', suspicion } }
  session.port.ask('greylist')
  return true
}

/** What will be known of the client's names is known: else one message would be asked for by the one today, by the other tomorrow. */
function isIdentified({ facts, plan, tally }: Session): boolean {
  if (facts.spf === null && isAsked('spf', plan, tally)) return false
  return facts.reverse !== null || !usesNames(plan)
}

/** The client's name was not asked for when it came, as the checks of names remember that it has one: which, they do not. */
function wasNotNamed(session: Session): boolean {
  const { facts, plan, tally } = session
  return facts.reverse === null && usesNames(plan) && !isAsked('reverse-name', plan, tally) && !wantsName(session)
}

const usesNames = ({ checks }: Plan): boolean => checks.some(({ asks }) => asks === 'reverse-name')

/** How long the recipient that is asked for now has to wait; null: greylisting is not for it. */
export function greyTimes(session: Session): GreyTimes | null {
  const options = plannedFor(session, session.facts.recipient?.domain ?? '')?.options
  const { delay, window, keep } = options ?? {}
  return delay === undefined || window === undefined || keep === undefined ? null : { delay, window, keep }
}

const plannedFor = (session: Session, domain: string): PlannedCheck | undefined =>
  planFor(session, domain).checks.find(({ name }) => name === 'greylist')

function isSuspect({ facts, tally }: Session, { options }: PlannedCheck): boolean {
  return tally.score > 0 || (facts.standing?.score ?? 0) >= (options['score'] ?? 0)
}

/** What makes it so: the checks that failed with points, and what is known of its mail. */
function suspicionOf({ facts, tally, plan }: Session, { options }: PlannedCheck): string {
  const failed = plan.checks.filter((planned, i) => {
    // What was so of another sender is not so of this one.
    const outcome = planned.scope === 'transaction' ? planned.test(facts, planned.options) : tally.outcomes[i]
    return outcome?.kind === 'fail' && tally.actionFor(planned, i) === 'score' && planned.points > 0
  })
  const reasons = failed.map(({ name }) => `${name}`)
  const known = facts.standing?.score ?? 0
  if (known >= (options['score'] ?? 0)) reasons.push(`known for ${known.toFixed(1)} points`)
  return reasons.join(', ')
}
