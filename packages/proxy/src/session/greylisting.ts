import { type GreyTimes, greyTuple, nameIdentity, type PlannedCheck } from '@sallyport/rules'
import type { Command } from '../smtp/command.ts'
import { domainOf, isAlwaysReachable, parsePath } from '../smtp/path.ts'
import type { Session } from './session.ts'
import { planFor } from './standing.ts'

/** Asks the store whether a recipient has to wait, before it is decided upon. Only of a suspect, and only where that would decide. */
export function askGreylist(session: Session, { argument }: Command): void {
  const { facts, tally, arrival, journal } = session
  const path = parsePath('TO', argument)?.path.slice(0, 320)
  if (path === undefined || tally.vouched !== null || isAlwaysReachable(path)) return
  const domain = domainOf(path).toLowerCase()
  const planned = plannedFor(session, domain)
  if (planned === undefined || planned.action === 'observe' || !isSuspect(session, planned)) return
  const identity = nameIdentity(facts.reverse, arrival.client)
  const tuple = greyTuple(arrival.client, identity, journal.reversePath ?? '', path)
  facts.recipient = { path, domain, grey: { tuple, wait: 'asked' } }
  session.port.ask('greylist')
}

/** The store has not said whether the recipient has to wait. */
export const awaitsGreylist = ({ facts }: Session): boolean => facts.recipient?.grey?.wait === 'asked'

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
