import { type Bearing, type Facts, type Instant, leftForBackend, type Plan, unknownOf } from '@sallyport/rules'
import type { View } from '../smtp/keywords.ts'
import type { Session } from './session.ts'

/** The client has shown that it waits where it must, now or before, or need not. */
export function isProven({ tally, plan }: Session): boolean {
  if (tally.verdict.action !== 'none') return false
  return tally.hasPassed(plan, 'pregreet') && tally.hasPassed(plan, 'pipelining')
}

/** The plan that holds for the client by what is known of it now, or, with a domain, for one of its recipients. */
export function planFor({ house, arrival, facts }: Session, recipient: string | null): Plan {
  const name = facts.reverse?.kind === 'confirmed' ? facts.reverse.name : null
  return house.plans.for({ client: arrival.client, name, hello: facts.hello, recipient })
}

/** What delays depend on. `greetedAt`: when the greeting was given, or would be. */
export function bearingOf(session: Session, greetedAt: Instant): Bearing {
  const { tally, facts, journal } = session
  return {
    isKnown: wasKnown(session) && isProven(session),
    isClean: tally.verdict.action === 'none',
    score: tally.score,
    errors: facts.junkCommands,
    unknown: unknownSoFar(facts),
    waited: journal.waited + greetedAt - session.startedAt,
  }
}

/** Of this session and those before it; nothing as long as it has asked for none in this one. */
function unknownSoFar({ backend, standing }: Facts): number {
  const now = unknownOf(backend)
  return now === 0 ? 0 : now + Math.floor(standing?.unknown ?? 0)
}

/** How long a client that may not be sent away yet may be silent while the gate drains, ms: one that is at work says the next command within a round trip. */
const longestLull = 5_000

/** How long the client may take over its next command, ms. */
export function commandWait({ house, tally, draining }: Session): number {
  const isSuspect = tally.score > 0 || tally.verdict.action !== 'none'
  const wait = isSuspect ? Math.min(house.waits.suspect, house.waits.command) : house.waits.command
  return draining ? Math.min(wait, longestLull) : wait
}

/**
 * The gate drains, and the client is behind a transaction: a mail server that hears 421 there goes on at once with a new connection. Where
 * it has said MAIL, or has only just come, be it that it still waits for its greeting, it would go to the next server of the domain, and where there is none put the
 * message off, for minutes or an hour (smtp_site_fail in Postfix): so it may come to the end of that one. For who is not let in that is no loss.
 *
 * Not taken: to send away at once who has not been greeted, which ends the drain sooner by the pause; to cut the pause short, which would let in those that it keeps out.
 */
export const mayGo = ({ draining, mail, journal, tally }: Session): boolean =>
  draining && mail === null && (journal.reversePath !== null || tally.verdict.action !== 'none')

/** How long the backend may take over its reply to the present command, ms: less where the client has been held back before it. */
export function replyWait({ house, journal }: Session): number {
  const { backendReply } = house.waits
  return journal.held === 0 ? backendReply : Math.min(backendReply, leftForBackend(journal.held))
}

/** Its name is asked for at once, whatever the store will say of it. */
export function wantsName({ house }: Session): boolean {
  return house.xclient || house.plans.usesNames
}

/** Its connection is counted: the check of rates would act. */
export function isCounted({ plan, tally }: Session): boolean {
  return plan.checks.some((planned, i) => planned.name === 'rate' && tally.actionFor(planned, i) !== 'observe')
}

/** The client was known when it came: its passes were remembered. */
export function wasKnown({ tally, plan }: Session): boolean {
  return plan.checks.some((planned, i) => planned.ttl > 0 && tally.isRemembered(i))
}

/** Passwords are for TLS, unless the operator says otherwise. */
export function mayLogIn({ house, tls }: Session): boolean {
  return house.auth === 'always' || (house.auth === 'tls' && tls !== null)
}

/** What the client may be offered of the backend's keywords. */
export function viewOf(session: Session): View {
  const { arrival, house, tls, pipeliningOffered } = session
  const open = tls === null && arrival.starttls !== 'off'
  const starttls = !open ? 'none' : arrival.starttls === 'pass_through' ? 'backend' : 'own'
  return {
    pipelining: pipeliningOffered,
    starttls,
    auth: mayLogIn(session),
    tls: tls !== null,
    withhold: house.withhold,
  }
}
